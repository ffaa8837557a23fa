import Testing

@Suite("blip info")
struct InfoTests {
  @Test("What an index holds, as JSON")
  func json() throws {
    let info = try Shared.collection.info()
    #expect(info.name == "four" && info.pictures == 4 && info.texts == 4 && info.failures == 0)
    #expect(info.collection == Shared.collection.pictures && info.model.name == "blip-mini")
    #expect(info.image_size == 224 && info.embedding_size == 256 && info.features == "bf16")
    // bf16 where the processor multiplies it.
    #expect(["fp32", "bf16"].contains(info.precision))
    #expect(info.picture_vectors.kind == "flat" && info.picture_vectors.vectors == 4)
    #expect(info.text_vectors.vectors == 4 && info.bytes_per_vector ?? 0 > 1024)
    #expect(info.text_bytes_per_picture ?? 0 > 0)
    #expect(info.model.fingerprint.count == 64)
    let pictures = try #require(info.tables.first { $0.name == "pictures" })
    #expect(pictures.entries == 4 && pictures.bytes > 0)
  }

  @Test("The same for people, on one screen")
  func text() {
    let outcome = blip("info", "--index", Shared.collection.index)
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    for part in ["four", Shared.collection.pictures, "blip-mini", "pictures", "embeddings", "KiB"] {
      #expect(outcome.output.contains(part), "\(part)")
    }
    #expect(outcome.lines.count < 40)
  }

  @Test("A few failures, or all of them")
  func failures() {
    let collection = Collection(pictures: 1)
    for number in 1..<9 { collection.add("bad-\(number).jpg", [1, 2, 3]) }
    collection.update()
    let few = blip("info", "--index", collection.index)
    #expect(few.lines.count { $0.hasPrefix("  bad-") } == 5)
    #expect(few.output.contains("and 3 more (see them with --failures)"))
    let all = blip("info", "--index", collection.index, "--failures")
    #expect(all.lines.count { $0.hasPrefix("  bad-") } == 8 && !all.output.contains("more"))
  }

  @Test("What is no index is an error that says so")
  func notAnIndex() {
    let collection = Collection(pictures: 0)
    expectFailure(blip("info", "--index", collection.pictures), mentions: "blip index")
    collection.add("data.mdb", Array(repeating: 7, count: 10_000))
    expectFailure(blip("info", "--index", collection.pictures), mentions: collection.pictures)
  }
}

/// What `blip info --cpu --json` says.
private struct Compute: Decodable {
  struct OpenBLAS: Decodable {
    let version, core_type, chosen_by: String
    let own_choice: String?
  }

  let processor, kernels: String
  let threads: Int
  let instruction_sets: [String]
  let openblas: OpenBLAS?
  let warning: String?
}

@Suite("blip info --cpu")
struct ComputeInfoTests {
  private func compute(_ environment: [String: String] = [:]) throws -> Compute {
    let outcome = blip("info", "--cpu", "--json", environment: environment)
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    return try #require(try outcome.objects(Compute.self).first)
  }

  @Test("The processor and the kernels in use, without an index")
  func unset() throws {
    let compute = try compute()
    #expect(compute.threads > 0 && !compute.instruction_sets.isEmpty && compute.warning == nil)
    #expect(["portable", "avx2", "avx512"].contains(compute.kernels))
    let openBLAS = try #require(compute.openblas)
    #expect(openBLAS.version.contains(".") && ["blip", "openblas"].contains(openBLAS.chosen_by))
    #expect((openBLAS.own_choice != nil) == (openBLAS.chosen_by == "blip"))
    if compute.kernels != "portable" { #expect(openBLAS.core_type != "Prescott") }
    // An empty value is none.
    #expect(try self.compute(["OPENBLAS_CORETYPE": ""]).openblas?.core_type == openBLAS.core_type)
  }

  @Test("The user's core type is used", arguments: ["Prescott", "Haswell", "SkylakeX"])
  func user(coreType: String) throws {
    let usual = try #require(try compute().openblas)
    // The processor may lack what a faster one than usual needs.
    let order = ["Prescott", "Haswell", "SkylakeX"]
    guard let own = order.firstIndex(of: usual.core_type),
      let asked = order.firstIndex(of: coreType), asked <= own
    else { return }
    let openBLAS = try #require(try compute(["OPENBLAS_CORETYPE": coreType]).openblas)
    #expect(openBLAS.core_type == coreType && openBLAS.chosen_by == "user")
  }

  @Test("An unknown core type is the user's choice too: OpenBLAS decides what it means")
  func unknown() throws {
    // It may take AVX-512 kernels whatever the processor is.
    guard try compute().kernels == "avx512" else { return }
    let openBLAS = try #require(try compute(["OPENBLAS_CORETYPE": "Nonsense"]).openblas)
    #expect(openBLAS.chosen_by == "user" && openBLAS.core_type != "Nonsense")
  }

  @Test("The same as text; not together with an index")
  func text() {
    let outcome = blip("info", "--cpu")
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    for part in ["processor", "threads", "blip's kernels", "OpenBLAS"] {
      #expect(outcome.output.contains(part), "\(part)")
    }
    #expect(blip("info", "--cpu", "--index", "x").status == 64)
  }
}
