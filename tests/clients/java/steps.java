// SPDX-License-Identifier: Apache-2.0
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What the programs of Java clients share: see ../steps.py, which does the same. */
class Steps {
    interface Step {
        Object of(JsonNode argument) throws Exception;
    }

    private static final ObjectMapper JSON = new ObjectMapper();

    /** The address of the service. */
    static String URL;

    static List<String> texts(JsonNode argument) {
        return JSON.convertValue(argument, JSON.getTypeFactory().constructCollectionType(List.class, String.class));
    }

    /** The classes of an exception and of its causes, each with those above it. */
    private static List<String> kindsOf(Throwable error) {
        List<String> kinds = new ArrayList<>();
        for (; error != null; error = error.getCause())
            for (Class<?> kind = error.getClass(); kind != Throwable.class; kind = kind.getSuperclass()) kinds.add(kind.getName());
        return kinds;
    }

    private static Map<String, Object> outcome(Step step, JsonNode argument) {
        try {
            return Map.of("returned", step.of(argument));
        } catch (Exception error) {
            List<String> kinds = kindsOf(error);
            return Map.of("raised", kinds.get(0), "kinds", kinds, "says", String.valueOf(error.getMessage()));
        }
    }

    static void run(String[] arguments, Map<String, Step> steps) throws Exception {
        URL = arguments[0];
        List<Object> outcomes = new ArrayList<>();
        for (JsonNode asked : JSON.readTree(System.in)) outcomes.add(outcome(steps.get(asked.get(0).asText()), asked.get(1)));
        System.out.write(JSON.writeValueAsBytes(outcomes));
        System.out.flush();
        System.exit(0); // some leave threads behind that nobody ends
    }
}
