// SPDX-License-Identifier: Apache-2.0
import { URL, run } from './steps.mjs'
// -- docs
import { OpenAIEmbeddings } from '@langchain/openai'
// -- end

async function many(texts) {
    // -- docs
    const embeddings = new OpenAIEmbeddings({ apiKey: 'unused', configuration: { baseURL: `${URL}/v1` } })
    const vectors = await embeddings.embedDocuments(texts)
    // -- end
    return vectors
}

const embeddingsOf = more => new OpenAIEmbeddings({ apiKey: 'unused', configuration: { baseURL: `${URL}/v1` }, ...more })

run({
    one: text => embeddingsOf({}).embedQuery(text),
    many,
    wrong: dimensions => embeddingsOf({ dimensions }).embedQuery('a'),
})
