// SPDX-License-Identifier: Apache-2.0
import { URL, run } from './steps.mjs'
// -- docs
import { CohereClientV2 } from 'cohere-ai'
// -- end

async function many(texts) {
    // -- docs
    const client = new CohereClientV2({ environment: URL, token: 'unused' })
    const request = { model: 'embed-v4.0', texts, inputType: 'search_document', embeddingTypes: ['float'] }
    const vectors = (await client.embed(request)).embeddings.float
    // -- end
    return vectors
}

async function ranked([query, documents]) {
    const client = new CohereClientV2({ environment: URL, token: 'unused' })
    const reply = await client.rerank({ model: 'rerank-v3.5', query, documents, topN: documents.length })
    return reply.results.map(result => [result.index, result.relevanceScore])
}

const wrong = outputDimension => new CohereClientV2({ environment: URL, token: 'unused' })
    .embed({ model: 'embed-v4.0', texts: ['a'], inputType: 'search_query', outputDimension })

run({ one: async text => (await many([text]))[0], many, ranked, wrong })
