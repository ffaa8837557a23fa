import LMDB
import TestSupport
import Testing

@Suite("Network file systems")
struct NetworkFileSystemTests {
  @Test("are recognised by type; a local disk is not one") func names() {
    #expect(NetworkFileSystem.name(ofType: 0x6969) == "NFS")
    #expect(NetworkFileSystem.name(ofType: 0xFF53_4D42) == "SMB")
    // ext4
    #expect(NetworkFileSystem.name(ofType: 0xEF53) == nil)
    #expect(NetworkFileSystem.name(of: TemporaryFolder().path) == nil)
  }
}
