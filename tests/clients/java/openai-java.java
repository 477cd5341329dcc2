// SPDX-License-Identifier: Apache-2.0
import java.util.List;
import java.util.Map;

// -- docs
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.models.embeddings.CreateEmbeddingResponse;
import com.openai.models.embeddings.Embedding;
import com.openai.models.embeddings.EmbeddingCreateParams;
import com.openai.models.embeddings.EmbeddingModel;
// -- end

class OpenaiJava extends Steps {
    static List<List<Float>> many(List<String> texts) {
        // -- docs
        OpenAIClient client = OpenAIOkHttpClient.builder().baseUrl(URL + "/v1").apiKey("unused").build();
        CreateEmbeddingResponse reply = client.embeddings().create(EmbeddingCreateParams.builder()
            .model(EmbeddingModel.TEXT_EMBEDDING_3_SMALL).inputOfArrayOfStrings(texts).build());
        List<List<Float>> vectors = reply.data().stream().map(Embedding::embedding).toList();
        // -- end
        return vectors;
    }

    static Object wrong(long dimensions) {
        OpenAIClient client = OpenAIOkHttpClient.builder().baseUrl(URL + "/v1").apiKey("unused").build();
        return client.embeddings().create(EmbeddingCreateParams.builder().model("m").input("a").dimensions(dimensions).build());
    }

    public static void main(String[] arguments) throws Exception {
        run(arguments, Map.of("one", text -> many(List.of(text.asText())).get(0), "many", list -> many(texts(list)),
            "wrong", dimensions -> wrong(dimensions.asLong())));
    }
}
