// Vercel AI SDK 5.0.277: text with a tool on openai and anthropic, a stream, an embedding.
// case: vercel_ai_v5/v5
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { embed, generateText, streamText, tool, stepCountIs } from "ai";
import { z } from "zod";

const provider = new NodeTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
const server = process.env.MODEL_SERVER;
const openai = createOpenAI({ baseURL: `${server}/v1` });
const anthropic = createAnthropic({ baseURL: `${server}/v1` });
const experimental_telemetry = {
  isEnabled: true,
  functionId: "weather",
  metadata: { userId: "user-1", sessionId: "session-1" },
};
const tools = {
  get_weather: tool({
    description: "Tells the weather.",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `sunny in ${city}`,
  }),
};
const prompt = "Weather in Paris?";
for (const model of [openai.chat("gpt-4o"), anthropic("claude-sonnet-4-5")]) {
  await generateText({ model, prompt, tools, stopWhen: stepCountIs(3), experimental_telemetry });
}
const stream = streamText({ model: openai.chat("gpt-4o"), prompt, experimental_telemetry });
for await (const _ of stream.textStream);
await embed({ model: openai.embedding("text-embedding-3-small"), value: prompt, experimental_telemetry });
await provider.forceFlush();
