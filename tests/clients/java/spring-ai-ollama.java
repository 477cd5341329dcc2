// SPDX-License-Identifier: Apache-2.0
import java.util.Collections;
import java.util.List;
import java.util.Map;

// -- docs
import org.springframework.ai.ollama.OllamaEmbeddingModel;
import org.springframework.ai.ollama.api.OllamaApi;
import org.springframework.ai.ollama.api.OllamaEmbeddingOptions;
// -- end

class SpringAiOllama extends Steps {
    static List<float[]> many(List<String> texts) {
        // -- docs
        OllamaApi api = OllamaApi.builder().baseUrl(URL).build();
        var options = OllamaEmbeddingOptions.builder().model("nomic-embed-text").build();
        List<float[]> vectors = OllamaEmbeddingModel.builder().ollamaApi(api).options(options).build().embed(texts);
        // -- end
        return vectors;
    }

    static float[] one(String text) {
        OllamaApi api = OllamaApi.builder().baseUrl(URL).build();
        var options = OllamaEmbeddingOptions.builder().model("nomic-embed-text").build();
        return OllamaEmbeddingModel.builder().ollamaApi(api).options(options).build().embed(text);
    }

    public static void main(String[] arguments) throws Exception {
        run(arguments, Map.of("one", text -> one(text.asText()), "many", list -> many(texts(list)),
            "wrong", count -> many(Collections.nCopies(count.asInt(), "a"))));
    }
}
