// SPDX-License-Identifier: Apache-2.0
import { URL, run } from './steps.mjs'
// -- docs
import { GoogleGenAI } from '@google/genai'
// -- end

async function many(texts) {
    // -- docs
    const client = new GoogleGenAI({ apiKey: 'unused', httpOptions: { baseUrl: URL } })
    const reply = await client.models.embedContent({ model: 'gemini-embedding-001', contents: texts })
    const vectors = reply.embeddings.map(item => item.values)
    // -- end
    return vectors
}

function wrong(outputDimensionality) {
    const client = new GoogleGenAI({ apiKey: 'unused', httpOptions: { baseUrl: URL } })
    return client.models.embedContent({ model: 'gemini-embedding-001', contents: 'a', config: { outputDimensionality } })
}

run({ one: async text => (await many(text))[0], many, wrong })
