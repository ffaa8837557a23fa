import LMDB
import TestSupport
import Testing

@Suite("File systems that several machines mount")
struct NetworkFileSystemTests {
  @Test("are known by their numbers; a disk of this machine is none") func names() {
    #expect(NetworkFileSystem.name(ofType: 0x6969) == "NFS")
    #expect(NetworkFileSystem.name(ofType: 0xFF53_4D42) == "SMB")
    // ext4
    #expect(NetworkFileSystem.name(ofType: 0xEF53) == nil)
    #expect(NetworkFileSystem.name(of: TemporaryFolder().path) == nil)
  }
}
