// SPDX-License-Identifier: Apache-2.0
import { embed } from 'ai'
import { URL, run } from './steps.mjs'
// -- docs
import { createOpenAI } from '@ai-sdk/openai'
import { embedMany } from 'ai'
// -- end

async function many(texts) {
    // -- docs
    const provider = createOpenAI({ baseURL: `${URL}/v1`, apiKey: 'unused' })
    const model = provider.embeddingModel('text-embedding-3-small')
    const { embeddings } = await embedMany({ model, values: texts })
    // -- end
    return embeddings
}

async function one(value) {
    const model = createOpenAI({ baseURL: `${URL}/v1`, apiKey: 'unused' }).embeddingModel('text-embedding-3-small')
    return (await embed({ model, value })).embedding
}

function wrong(dimensions) {
    const model = createOpenAI({ baseURL: `${URL}/v1`, apiKey: 'unused' }).embeddingModel('text-embedding-3-small')
    return embed({ model, value: 'a', providerOptions: { openai: { dimensions } } })
}

run({ one, many, wrong })
