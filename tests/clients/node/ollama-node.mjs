// SPDX-License-Identifier: Apache-2.0
import { URL, run } from './steps.mjs'
// -- docs
import { Ollama } from 'ollama'
// -- end

async function many(texts) {
    // -- docs
    const client = new Ollama({ host: URL })
    const { embeddings } = await client.embed({ model: 'nomic-embed-text', input: texts })
    // -- end
    return embeddings
}

const old = async prompt => (await new Ollama({ host: URL }).embeddings({ model: 'nomic-embed-text', prompt })).embedding

const wrong = content => new Ollama({ host: URL }).chat({ model: 'llama3', messages: [{ role: 'user', content }] })

run({ one: async text => (await many(text))[0], many, old, wrong })
