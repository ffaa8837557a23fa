import FoundationEssentials
import Glibc
import TestSupport
import Testing

@Suite("blip bench")
struct BenchTests {
  private struct Report: Decodable {
    struct Model: Decodable {
      let name: String
      let itc_weight: Float?
    }
    struct Matching: Decodable {
      let calibrated: Bool
      let expected_calibration_error: Float
    }
    let pictures, texts, pairs_scored: Int
    let model: Model
    let machine: String
    let depths: [String: [String: Double]]
    let matching: Matching?
  }

  private let collection = Collection(pictures: 6, captions: true)
  private var captions: String { collection.folder.path + "/captions.json" }

  private func bench(_ options: String...) -> Outcome {
    let records = (0..<6).map {
      "{\"image\": \"\(Collection.name($0))\", \"caption\": [\"picture \($0)\", \"\($0) stripes\"]}"
    }
    collection.folder.write("captions.json", Array("[\(records.joined(separator: ","))]".utf8))
    return BlipProcess(
      [
        "bench", captions, "--images", collection.pictures, "--work",
        collection.folder.path + "/work", "--precision", "fp32",
      ] + options
    ).outcome()
  }

  @Test("a table, an object under BLIP's names, a page; a second run scores nothing again")
  func whole() throws {
    let page = collection.folder.path + "/report.html"
    let table = bench("--rerank-depths", "0,2,4", "--html", page)
    #expect(table.status == 0, "\(table.errors)")
    #expect(table.lines.first?.contains("6 pictures, 12 texts, blip-mini in fp32") == true)
    #expect(
      table.output.contains("txt R@1") && table.output.contains("is the picture there at all"))
    let html = String(decoding: readBytes(page), as: UTF8.self)
    #expect(html.hasPrefix("<!DOCTYPE html>") && html.hasSuffix("</html>\n"))
    #expect(html.contains("<svg") && !html.contains("=\"https:") && !html.contains("<script"))

    let json = bench("--rerank-depths", "4,0", "--json", "-")
    #expect(json.status == 0 && json.lines.count == 1, "\(json.errors)")
    let report = try #require(try json.objects(Report.self).first)
    #expect(report.pictures == 6 && report.texts == 12 && report.pairs_scored == 0)
    #expect(report.model.itc_weight == nil && !report.machine.isEmpty)
    #expect(Set(report.depths.keys) == ["0", "4"])
    let metrics = try #require(report.depths["4"])
    for key in ["r1", "r5", "r10", "r_mean"].flatMap({ ["txt_\($0)", "img_\($0)"] }) + ["r_mean"] {
      #expect((0...100).contains(try #require(metrics[key])), "\(key)")
    }
    // Of six pictures every one is among the first ten; of twelve texts not.
    #expect(metrics["img_r10"] == 100)
    let shares = try ["txt_r1", "txt_r5", "txt_r10"].map { try #require(metrics[$0]) }
    #expect(shares == shares.sorted() && shares[2] > 0)
  }

  @Test("an index that is given is used, and ordered as by a search unless a weight is given")
  func searched() throws {
    collection.update()
    let report = bench("--index", collection.index, "--rerank-depths", "3", "--json", "-")
    #expect(report.status == 0, "\(report.errors)")
    let found = try #require(try report.objects(Report.self).first)
    #expect(found.model.itc_weight == nil)
    let matching = try #require(found.matching)
    #expect(matching.calibrated && (0...1).contains(matching.expected_calibration_error))
    let weighed = bench(
      "--index", collection.index, "--rerank-depths", "3", "--itc-weight", "2", "--json", "-")
    let other = try #require(try weighed.objects(Report.self).first)
    #expect(other.model.itc_weight == 2 && other.matching?.calibrated == false)
  }

  @Test("a picture that is not there, or not in the index, is named; nothing is made up for it")
  func missing() {
    collection.update("--exclude", Collection.name(2))
    expectFailure(
      bench("--index", collection.index), mentions: Collection.name(2), "not in the index")
    collection.remove(Collection.name(5))
    expectFailure(
      bench(), mentions: Collection.name(5), "names are relative to \(collection.pictures)")
  }

  @Test("Ctrl-C ends it cleanly, and the same command goes on")
  func interrupted() {
    _ = bench("--rerank-depths", "0")
    let process = BlipProcess([
      "bench", captions, "--images", collection.pictures, "--work",
      collection.folder.path + "/work", "--rerank-depths", "6",
    ])
    usleep(50_000)
    kill(process.id, SIGINT)
    // Before the signal is watched for, the system ends the process.
    #expect([0, 128 + SIGINT].contains(process.outcome().status))
    #expect(bench("--rerank-depths", "6").status == 0)
  }

  @Test(
    "wrong usage exits 64 and names the option",
    arguments: [
      (["a.json"], "--images"), (["a.json", "--images", "x", "--rerank-depths", "1,,2"], "depths"),
      (["a.json", "--images", "x", "--itc-weight", "nan"], "--itc-weight"),
    ])
  func usage(arguments: [String], mentions: String) {
    let outcome = BlipProcess(["bench"] + arguments).outcome()
    #expect(outcome.status == 64 && outcome.output.isEmpty)
    #expect(outcome.errors.contains(mentions), "\(outcome.errors)")
  }
}

@Suite("blip search --budget")
struct BudgetTests {
  @Test("reranks one candidate at least, and no more than --rerank")
  func depths() throws {
    let collection = Shared.collection
    func reranked(_ options: String...) throws -> Int {
      try BlipProcess(["search", "stripes", "--json", "--index", collection.index] + options)
        .outcome().objects(PictureLine.self).count { $0.itm != nil }
    }
    #expect(try reranked("--budget", "1ms") == 1)
    #expect(try reranked("--budget", "60s") == 4)
    #expect(try reranked("--budget", "60s", "--rerank", "2") == 2)
    for wrong in ["300", "0ms", "-1s", "nans", "ms"] {
      #expect(blip("search", "stripes", "--budget", wrong).status == 64)
    }
  }
}
