/** How to send telemetry here: lines that work as they stand, the key taken from MILLRACE_API_KEY. */

export interface Endpoints {
  /** OTLP/HTTP, `http://host:port`. */
  readonly http: string
  /** OTLP/gRPC, `host:port`. */
  readonly grpc: string
}

export interface Sender {
  readonly name: string
  readonly text: (endpoints: Endpoints) => string
}

/** What every official SDK reads (OpenTelemetry: environment variable specification). */
const environment = ({ http }: Endpoints): string => `export OTEL_SERVICE_NAME=my-service
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_ENDPOINT=${http}
export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer $MILLRACE_API_KEY"`

const log =
  '{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"my-service"}}]},' +
  '"scopeLogs":[{"logRecords":[{"severityNumber":9,"body":{"stringValue":"hello, millrace"}}]}]}]}'

export const SENDERS: readonly Sender[] = [
  {
    name: 'One log, now',
    text: ({ http }) => `curl ${http}/v1/logs \\
  -H "authorization: Bearer $MILLRACE_API_KEY" \\
  -H "content-type: application/json" \\
  -d '${log}'`,
  },
  {
    name: 'Node',
    text: (endpoints) => `npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node
${environment(endpoints)}
node --require @opentelemetry/auto-instrumentations-node/register app.js`,
  },
  {
    name: 'Python',
    text: (endpoints) => `pip install opentelemetry-distro opentelemetry-exporter-otlp
opentelemetry-bootstrap -a install
${environment(endpoints)}
opentelemetry-instrument python app.py`,
  },
  {
    name: 'Java',
    text: (
      endpoints,
    ) => `curl -LO https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases/latest/download/opentelemetry-javaagent.jar
${environment(endpoints)}
java -javaagent:opentelemetry-javaagent.jar -jar app.jar`,
  },
  {
    name: 'Go',
    text: (
      endpoints,
    ) => `go get go.opentelemetry.io/otel/sdk go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp
# in main: otlptracehttp.New(ctx) reads these
${environment(endpoints)}
go run .`,
  },
  {
    name: 'Collector',
    text: ({ grpc }) => `exporters:
  otlp/millrace:
    endpoint: ${grpc}
    tls: { insecure: true }
    headers: { authorization: "Bearer \${env:MILLRACE_API_KEY}" }
service:
  pipelines:
    traces:  { receivers: [otlp], exporters: [otlp/millrace] }
    logs:    { receivers: [otlp], exporters: [otlp/millrace] }
    metrics: { receivers: [otlp], exporters: [otlp/millrace] }`,
  },
]
