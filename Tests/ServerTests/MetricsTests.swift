import CoreMetrics
import Testing

@testable import Server

@Suite("Metrics for Prometheus") struct MetricsTests {
  @Test("are written in its text format, those of the same name together")
  func text() {
    let metrics = PrometheusMetrics()
    metrics.makeCounter(label: "requests", dimensions: [("path", "a\"b")]).increment(by: Int64(2))
    metrics.makeCounter(label: "requests", dimensions: [("path", "a\"b")]).increment(by: Int64(1))
    metrics.makeMeter(label: "open.now", dimensions: []).set(Int64(4))
    let timer = metrics.makeTimer(label: "time", dimensions: [])
    timer.recordNanoseconds(2_000_000)
    timer.recordNanoseconds(700_000_000)
    let lines = metrics.text.split(separator: "\n")
    #expect(lines.contains(#"requests_total{path="a\"b"} 3.0"#))
    #expect(lines.contains("open_now 4.0"))
    #expect(lines.contains(#"time_seconds_bucket{le="0.0025"} 1"#))
    #expect(lines.contains(#"time_seconds_bucket{le="+Inf"} 2"#))
    #expect(lines.contains("time_seconds_count 2"))
    #expect(lines.filter { $0 == "# TYPE requests_total counter" }.count == 1)
  }
}
