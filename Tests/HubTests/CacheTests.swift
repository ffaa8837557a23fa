import FakeHub
import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Hub

@Suite("The cache of models")
struct CacheTests {
  @Test(
    "Where it is, as huggingface_hub's variables say",
    arguments: [
      (["HF_HUB_CACHE": "/c", "HF_HOME": "/h"], "/c"), (["HF_HOME": "/h"], "/h/hub"),
      (["HF_HOME": "~/x", "HOME": "/me"], "/me/x/hub"),
      (["XDG_CACHE_HOME": "/x", "HOME": "/me"], "/x/huggingface/hub"),
      (["HF_HOME": "", "HOME": "/me"], "/me/.cache/huggingface/hub"),
    ])
  func location(environment: [String: String], path: String) throws {
    #expect(try HubCache { environment[$0] }.path == path)
  }

  @Test("Without a home folder it is asked for")
  func homeless() {
    #expect(throws: HubError.self) { try HubCache { _ in nil } }
  }

  @Test(
    "Names and revisions that could lead elsewhere are none",
    arguments: [
      "", "a", "a/", "/b", "a/b/c", "../b", "a/..", ".a/b", "a/b.", "-a/b", "a--b/c", "a/b--c",
      "a/b c", "a/b\\c", "a/b%2f", "a/b@", "a/b@/x", "a/b@x/", "a/b@x//y", "a/b@../x", "a/b@x/..",
      "a/b@x?y", "a/ß", "a/b\0", "a/b\n", "a/\(String(repeating: "b", count: 100))",
    ])
  func badReferences(text: String) { #expect(RepositoryReference(text) == nil) }

  @Test("Names and revisions of the hub are taken apart")
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

  @Test("A partly fetched model is no model yet, but is listed as begun")
  func partly() async throws {
    let shop = try await Workshop()
    try await shop.pull()
    let reference = RepositoryReference("some/blip")!
    let listed = try #require(shop.cache.models().first)
    #expect(listed.name == "some/blip" && listed.revisions == ["main"] && listed.isWhole)
    #expect(listed.size == Workshop.files.reduce(0) { $0 + $1.value.count } - 10)
    unlink("\(shop.place)/blobs/\(FakeHub.sha256(shop.weights))")
    #expect(shop.cache.snapshot(of: reference) == nil)
    #expect(shop.cache.models().map(\.isWhole) == [false])
    try await shop.pull()
    #expect(shop.cache.snapshot(of: reference) == shop.snapshot)
  }

  @Test("Removing takes all of a model and nothing else, and tells the bytes")
  func removing() async throws {
    let shop = try await Workshop()
    let reference = RepositoryReference("some/blip")!
    #expect(throws: HubError.self) { try shop.cache.remove(reference) }
    let size = try await shop.pull().fetched
    shop.folder.write("hub/other", [1])
    let outside = shop.folder.write("outside", [1, 2, 3])
    symlink(outside, "\(shop.place)/link")
    // As a pull in another process holds it.
    var lock = try FileLock.tryTaking(
      "\(shop.cache.path)/.locks/models--some--blip/\(FakeHub.sha256(shop.weights)).lock")
    #expect(lock != nil)
    #expect(throws: HubError.self) { try shop.cache.remove(reference) }
    lock = nil
    #expect(try shop.cache.remove(reference) == size + 40)
    #expect(names(in: shop.cache.path) == [".locks", "other"])
    #expect(bytes(outside) == [1, 2, 3])
    #expect(shop.cache.models().isEmpty)
  }
}

@Suite("What a blob's name says")
struct BlobNameTests {
  @Test(
    "The hash is sha256sum's or git hash-object's, as the name is",
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

@Suite("Which files make a model")
struct ModelFilesTests {
  private let small = ["config.json", "preprocessor_config.json", "vocab.txt"]

  private func weights(_ files: String...) throws -> [String] {
    Array(try ModelFiles(among: small + files).names.dropFirst(3))
  }

  @Test("Safetensors, whole or in shards, go before PyTorch's file, and one kind is enough")
  func choice() throws {
    let index = "model.safetensors.index.json"
    let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    #expect(try weights("pytorch_model.bin", "model.safetensors") == ["model.safetensors"])
    #expect(
      try weights(shards[1], "pytorch_model.bin", index, shards[0], "model-1.safetensors")
        == [index] + shards)
    #expect(try weights("tf_model.h5", "pytorch_model.bin") == ["pytorch_model.bin"])
    #expect(throws: HubError.self) { try weights("tf_model.h5") }
  }

  @Test("Shards have to be all there")
  func shards() {
    let index = "model.safetensors.index.json"
    #expect(throws: HubError.self) { try weights(index) }
    #expect(throws: HubError.self) { try weights(index, "model-00002-of-00002.safetensors") }
    #expect(throws: HubError.self) { try weights(index, "model-00001-of-99999.safetensors") }
    #expect(throws: HubError.self) { try weights(index, "model-00000-of-00000.safetensors") }
  }

  @Test("The newer names of the small files do too, and what blip does not read stays away")
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
