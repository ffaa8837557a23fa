import FakeHub
import Files
import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Hub

@Suite("The model cache")
struct CacheTests {
  @Test(
    "Its location follows huggingface_hub's environment variables",
    arguments: [
      (["HF_HUB_CACHE": "/c", "HF_HOME": "/h"], "/c"), (["HF_HOME": "/h"], "/h/hub"),
      (["HF_HOME": "~/x", "HOME": "/me"], "/me/x/hub"),
      (["XDG_CACHE_HOME": "/x", "HOME": "/me"], "/x/huggingface/hub"),
      (["HF_HOME": "", "HOME": "/me"], "/me/.cache/huggingface/hub"),
    ])
  func location(environment: [String: String], path: String) throws {
    #expect(try HubCache { environment[$0] }.path == path)
  }

  @Test("A missing home folder is an error")
  func homeless() {
    #expect(throws: HubError.self) { try HubCache { _ in nil } }
  }

  @Test(
    "Names and revisions that could escape the cache are rejected",
    arguments: [
      "", "a", "a/", "/b", "a/b/c", "../b", "a/..", ".a/b", "a/b.", "-a/b", "a--b/c", "a/b--c",
      "a/b c", "a/b\\c", "a/b%2f", "a/b@", "a/b@/x", "a/b@x/", "a/b@x//y", "a/b@../x", "a/b@x/..",
      "a/b@x?y", "a/ß", "a/b\0", "a/b\n", "a/\(String(repeating: "b", count: 100))",
    ])
  func badReferences(text: String) { #expect(RepositoryReference(text) == nil) }

  @Test("Names and revisions are parsed")
  func references() throws {
    let plain = try #require(RepositoryReference("Salesforce/blip-itm-base-coco"))
    #expect(
      plain.revision == "main" && plain.folderName == "models--Salesforce--blip-itm-base-coco")
    #expect(RepositoryReference.name(ofFolder: plain.folderName) == plain.name)
    #expect(RepositoryReference("a_b/c.d@refs/pr/1")?.revision == "refs/pr/1")
    #expect(RepositoryReference("a/b@v1.0")?.description == "a/b@v1.0")
    for folder in ["models--a", "datasets--a--b", "models--a--b--c", "models----b"] {
      #expect(RepositoryReference.name(ofFolder: folder) == nil)
    }
  }

  @Test("A partially fetched model is not usable, but is listed as incomplete")
  func partly() async throws {
    let fixture = try await HubFixture()
    try await fixture.pull()
    let reference = RepositoryReference("some/blip")!
    let listed = try #require(fixture.cache.models().first)
    #expect(listed.name == "some/blip" && listed.revisions == ["main"] && listed.isComplete)
    #expect(listed.size == HubFixture.files.reduce(0) { $0 + $1.value.count } - 10)
    unlink("\(fixture.place)/blobs/\(FakeHub.sha256(fixture.weights))")
    #expect(fixture.cache.snapshot(of: reference) == nil)
    #expect(fixture.cache.models().map(\.isComplete) == [false])
    try await fixture.pull()
    #expect(fixture.cache.snapshot(of: reference) == fixture.snapshot)
  }

  @Test("Removal deletes a model completely, nothing else, and returns the bytes freed")
  func removing() async throws {
    let fixture = try await HubFixture()
    let reference = RepositoryReference("some/blip")!
    #expect(throws: HubError.self) { try fixture.cache.remove(reference) }
    let size = try await fixture.pull().fetched
    fixture.folder.write("hub/other", [1])
    let outside = fixture.folder.write("outside", [1, 2, 3])
    symlink(outside, "\(fixture.place)/link")
    // As a pull in another process would hold it.
    var lock = try FileLock.tryTaking(
      "\(fixture.cache.path)/.locks/models--some--blip/\(FakeHub.sha256(fixture.weights)).lock")
    #expect(lock != nil)
    #expect(throws: HubError.self) { try fixture.cache.remove(reference) }
    lock = nil
    #expect(try fixture.cache.remove(reference) == size + 40)
    #expect(names(in: fixture.cache.path) == [".locks", "other"])
    #expect(bytes(outside) == [1, 2, 3])
    #expect(fixture.cache.models().isEmpty)
  }
}

@Suite("Blob names")
struct BlobNameTests {
  @Test(
    "The hash is that of sha256sum or git hash-object, depending on the name",
    arguments: [
      "\"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\"",
      "W/\"ce013625030ba8dba906f756967f9e9ca394464a\"",
    ])
  func hash(etag: String) throws {
    let folder = TemporaryFolder()
    let name = try #require(BlobName(etag: etag))
    var blob = try IncompleteBlob(path: folder.path + "/x.incomplete")
    try Array("hello, ".utf8).withUnsafeBytes { try blob.append($0) }
    #expect(try blob.hash(as: name) != name.digits)
    try blob.empty()
    try Array("hello\n".utf8).withUnsafeBytes { try blob.append($0) }
    #expect(try blob.hash(as: name) == name.digits)
    try blob.place(at: folder.path + "/x")
    #expect(bytes(folder.path + "/x") == Array("hello\n".utf8))
    #expect(names(in: folder.path) == ["x"])
  }
}

@Suite("The files of a model")
struct ModelFilesTests {
  private let small = ["config.json", "preprocessor_config.json", "vocab.txt"]

  private func weights(_ files: String...) throws -> [String] {
    Array(try ModelFiles(among: small + files).names.dropFirst(3))
  }

  @Test("Safetensors, in one file or shards, are preferred to PyTorch files; either is enough")
  func choice() throws {
    let index = "model.safetensors.index.json"
    let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    #expect(try weights("pytorch_model.bin", "model.safetensors") == ["model.safetensors"])
    #expect(
      try weights(shards[1], "pytorch_model.bin", index, shards[0], "model-1.safetensors")
        == [index] + shards)
    #expect(try weights("tf_model.h5", "pytorch_model.bin") == ["pytorch_model.bin"])
    let bins = ["pytorch_model.bin.index.json", "pytorch_model-00001-of-00001.bin"]
    #expect(try weights("tf_model.h5", bins[1], bins[0]) == bins)
    #expect(throws: HubError.self) { try weights("tf_model.h5") }
  }

  @Test("All shards must be present")
  func shards() {
    let index = "model.safetensors.index.json"
    #expect(throws: HubError.self) { try weights(index) }
    #expect(throws: HubError.self) { try weights(index, "model-00002-of-00002.safetensors") }
    #expect(throws: HubError.self) { try weights(index, "model-00001-of-99999.safetensors") }
    #expect(throws: HubError.self) { try weights(index, "model-00000-of-00000.safetensors") }
  }

  @Test("Newer names of the small files are accepted; files that blip does not read are ignored")
  func smallFiles() throws {
    let names = try ModelFiles(among: [
      "processor_config.json", "tokenizer.json", "tokenizer_config.json", "config.json",
      "model.safetensors", "special_tokens_map.json", "sub/config.json",
    ]).names
    #expect(
      names == [
        "config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json",
        "model.safetensors",
      ])
  }
}
