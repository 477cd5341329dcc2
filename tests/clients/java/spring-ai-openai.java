// SPDX-License-Identifier: Apache-2.0
import java.util.List;
import java.util.Map;

// -- docs
import org.springframework.ai.openai.OpenAiEmbeddingModel;
import org.springframework.ai.openai.OpenAiEmbeddingOptions;
// -- end

class SpringAiOpenai extends Steps {
    static List<float[]> many(List<String> texts) {
        // -- docs
        var options = OpenAiEmbeddingOptions.builder().baseUrl(URL + "/v1").apiKey("unused").build();
        List<float[]> vectors = OpenAiEmbeddingModel.builder().options(options).build().embed(texts);
        // -- end
        return vectors;
    }

    static float[] one(String text, Integer dimensions) {
        var options = OpenAiEmbeddingOptions.builder().baseUrl(URL + "/v1").apiKey("unused").dimensions(dimensions).build();
        return OpenAiEmbeddingModel.builder().options(options).build().embed(text);
    }

    public static void main(String[] arguments) throws Exception {
        run(arguments, Map.of("one", text -> one(text.asText(), null), "many", list -> many(texts(list)),
            "wrong", dimensions -> one("a", dimensions.asInt())));
    }
}
