// Sends spans with OpenTelemetry's own exporters: node send.cjs grpc|http-json|http-proto URL SPANS [gzip] [KEY]
"use strict";
const { BasicTracerProvider, BatchSpanProcessor } = require("@opentelemetry/sdk-trace-base");

const [kind, url, spans, compression = "none", key = ""] = process.argv.slice(2);
const packages = {
  grpc: "@opentelemetry/exporter-trace-otlp-grpc",
  "http-json": "@opentelemetry/exporter-trace-otlp-http",
  "http-proto": "@opentelemetry/exporter-trace-otlp-proto",
};
const { OTLPTraceExporter } = require(packages[kind]);

function settings() {
  if (kind !== "grpc") return { url, compression, headers: key ? { "x-api-key": key } : {} };
  const { Metadata } = require("@grpc/grpc-js");
  const metadata = new Metadata();
  if (key) metadata.set("x-api-key", key);
  return { url, compression, metadata };
}

async function main() {
  const exporter = new OTLPTraceExporter(settings());
  const faults = [];
  const exported = exporter.export.bind(exporter);
  exporter.export = (batch, done) =>
    exported(batch, (result) => {
      if (result.code !== 0) faults.push(String(result.error));
      done(result);
    });
  const provider = new BasicTracerProvider({
    spanProcessors: [new BatchSpanProcessor(exporter, { maxQueueSize: 10000 })],
  });
  const tracer = provider.getTracer("tests");
  for (let number = 0; number < Number(spans); number += 1) {
    const span = tracer.startSpan(`chat ${number}`, { attributes: { tokens: number, ok: true } });
    span.end();
  }
  // What was not delivered is among the faults already.
  await provider.forceFlush().catch(() => {});
  await provider.shutdown();
  console.log(JSON.stringify({ faults }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
