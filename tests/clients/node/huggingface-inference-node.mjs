// SPDX-License-Identifier: Apache-2.0
import { URL, run } from './steps.mjs'
// -- docs
import { InferenceClient } from '@huggingface/inference'
// -- end

async function many(texts) {
    // -- docs
    const client = new InferenceClient().endpoint(URL)
    const vectors = await client.featureExtraction({ inputs: texts })
    // -- end
    return vectors
}

run({
    one: async text => (await many(text))[0],
    many,
    wrong: () => new InferenceClient().endpoint(URL).featureExtraction({ inputs: [] }),
})
