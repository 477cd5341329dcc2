// SPDX-License-Identifier: Apache-2.0
import { embed } from 'ai'
import { URL, run } from './steps.mjs'
// -- docs
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { embedMany } from 'ai'
// -- end

async function many(texts) {
    // -- docs
    const provider = createOpenAICompatible({ name: 'embedd', baseURL: `${URL}/v1` })
    const model = provider.embeddingModel('text-embedding-3-small')
    const { embeddings } = await embedMany({ model, values: texts })
    // -- end
    return embeddings
}

async function one(value) {
    const model = createOpenAICompatible({ name: 'embedd', baseURL: `${URL}/v1` }).embeddingModel('text-embedding-3-small')
    return (await embed({ model, value })).embedding
}

function wrong(dimensions) {
    const model = createOpenAICompatible({ name: 'embedd', baseURL: `${URL}/v1` }).embeddingModel('text-embedding-3-small')
    return embed({ model, value: 'a', providerOptions: { embedd: { dimensions } } })
}

run({ one, many, wrong })
