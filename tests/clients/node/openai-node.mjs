// SPDX-License-Identifier: Apache-2.0
import { URL, run } from './steps.mjs'
// -- docs
import OpenAI from 'openai'
// -- end

async function many(texts) {
    // -- docs
    const client = new OpenAI({ baseURL: `${URL}/v1`, apiKey: 'unused' })
    const reply = await client.embeddings.create({ model: 'text-embedding-3-small', input: texts })
    const vectors = reply.data.map(item => item.embedding)
    // -- end
    return vectors
}

function wrong(dimensions) {
    const client = new OpenAI({ baseURL: `${URL}/v1`, apiKey: 'unused' })
    return client.embeddings.create({ model: 'm', input: 'a', dimensions })
}

run({ one: async text => (await many(text))[0], many, wrong })
