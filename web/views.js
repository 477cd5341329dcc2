// SPDX-License-Identifier: Apache-2.0
// The views of the page: for each what draws it, and what asks its numbers again.
import { chainView, refreshChain } from "./chain.js";
import { similarityView, refreshSimilarity } from "./similarity.js";
import { classifyView, refreshClassify } from "./classify.js";
import { liveView, refreshLive } from "./live.js";
import { useView } from "./use.js";

export const VIEWS = { chain: [chainView, refreshChain], similarity: [similarityView, refreshSimilarity], classify: [classifyView, refreshClassify], live: [liveView, refreshLive], use: [useView, () => {}] };
