# SPDX-License-Identifier: Apache-2.0
from steps import URL, run


def many(texts):
    # -- docs
    import numpy
    from tritonclient import http
    client = http.InferenceServerClient(URL.removeprefix("http://"))
    inputs = http.InferInput("text", [len(texts)], "BYTES")
    inputs.set_data_from_numpy(numpy.array([text.encode() for text in texts], dtype=object))
    vectors = client.infer("embedd-base-2", [inputs]).as_numpy("embedding")
    # -- end
    return vectors


def wrong(_):
    import numpy
    from tritonclient import http
    inputs = http.InferInput("text", [1], "FP32")
    inputs.set_data_from_numpy(numpy.array([1], dtype="float32"))
    http.InferenceServerClient(URL.removeprefix("http://")).infer("embedd-base-2", [inputs])


run(one=lambda text: many([text])[0], many=many, wrong=wrong)
