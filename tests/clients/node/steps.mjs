// SPDX-License-Identifier: Apache-2.0
// What the scripts of Node clients share: see ../steps.py, which does the same.
import { readFileSync, writeSync } from 'node:fs'

export const URL = process.argv[2]

function kindsOf(error) {
    const kinds = []
    for (let kind = error; kind && kind !== Object.prototype; kind = Object.getPrototypeOf(kind))
        if (kind !== error) kinds.push(kind.constructor.name)
    return kinds
}

async function outcome(step, argument) {
    try {
        return { returned: await step(argument) }
    } catch (error) {
        const kinds = kindsOf(error)
        return { raised: kinds[0], kinds, name: error.name, says: String(error.message) }
    }
}

export async function run(steps) {
    const outcomes = []
    for (const [name, argument] of JSON.parse(readFileSync(0, 'utf8'))) outcomes.push(await outcome(steps[name], argument))
    const text = Buffer.from(JSON.stringify(outcomes))
    for (let written = 0; written < text.length;) written += writeSync(1, text, written)
    process.exit(0) // some keep connections that hold the process up
}
