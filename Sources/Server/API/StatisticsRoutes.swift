internal import HTTPTypes
internal import Hummingbird
internal import Images
internal import Retrieval

/// What the index holds, and how the server is.
struct StatisticsRoutes {
  let service: PictureService
  let metrics: PrometheusMetrics

  func add(to router: Router<ServerContext>) {
    router.get("/api/statistics") { request, _ in
      _ = try QueryParameters(request, known: [])
      return Response.json(try await statistics())
    }
    router.get("/metrics") { _, _ in
      Response.text(metricsText(), type: "text/plain; version=0.0.4")
    }
  }

  private func metricsText() -> String {
    let (running, waiting) = service.admission.load
    return metrics.text
      + "# TYPE blip_requests_computing gauge\nblip_requests_computing \(running)\n"
      + "# TYPE blip_requests_waiting gauge\nblip_requests_waiting \(waiting)\n"
  }

  private func statistics() async throws -> JSONOutput {
    let facets = try await service.facets()
    let metadata = try await service.index.currentMetadata()
    return .object([
      ("name", .string(metadata.name)), ("model", .string(metadata.model.name)),
      ("pictures", .integer(facets.pictures)), ("texts", .integer(facets.texts)),
      (
        "folders",
        .array(
          facets.folders.map { folder in
            .object(
              JSONOutput.path(folder.value, "path") + [("pictures", .integer(folder.pictures))])
          })
      ),
      ("months", Self.counts(facets.months, "month")),
      ("cameras", Self.counts(facets.cameras, "camera")),
      (
        "types",
        .array(
          facets.formats.map {
            .object([
              ("type", .string($0.value.rawValue)), ("pictures", .integer($0.pictures)),
            ])
          })
      ),
      ("indexing", try await service.index.runProgress().map(\.json)),
    ])
  }

  private static func counts(
    _ counts: [PictureFacets.Count<String>], _ name: String
  ) -> JSONOutput {
    .array(
      counts.map { .object([(name, .string($0.value)), ("pictures", .integer($0.pictures))]) })
  }
}

extension RunProgress {
  fileprivate var json: JSONOutput {
    .object([("done", .integer(done)), ("total", .integer(total))])
  }
}
