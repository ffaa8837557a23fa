"""What the measuring machine is, and how busy others keep it."""
import ctypes, ctypes.util, os, time

TICKS = os.sysconf("SC_CLK_TCK")
INSTRUCTIONS = ("avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "bf16", "i8mm")


def flags():
    """The processor's instruction sets, of those that matter for matrix products."""
    for line in open("/proc/cpuinfo"):
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return [flag for flag in INSTRUCTIONS if flag in value.split()]
    return []


def multiplies_bfloat16():
    """Without instructions for it PyTorch computes bfloat16 at a crawl."""
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(flags()))


def processor():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return os.uname().machine


def openblas():
    """Debian's OpenBLAS, and the kernels that it chooses for this processor. blip may choose better
    ones: it says which when it is asked what it is made of."""
    try:
        library = ctypes.CDLL(ctypes.util.find_library("openblas"))
    except (OSError, TypeError):
        return "not found"
    library.openblas_get_config.restype = library.openblas_get_corename.restype = ctypes.c_char_p
    version = library.openblas_get_config().decode().split()[1]
    return f"{version}, core {library.openblas_get_corename().decode()}"


def description():
    return {
        "processor": processor(), "cores": len(os.sched_getaffinity(0)), "instructions": flags(),
        "OpenBLAS": openblas(), "OPENBLAS_CORETYPE": os.environ.get("OPENBLAS_CORETYPE", "unset"),
        "load": os.getloadavg()[0]}


def busy():
    """Seconds that the machine's processors have worked, or were withheld by the hypervisor."""
    user, nice, system, idle, wait, *interrupts = map(int, open("/proc/stat").readline().split()[1:9])
    return (user + nice + system + sum(interrupts)) / TICKS


def spent(process):
    """Seconds of processor that a process has used: the clock that clock_getcpuclockid(3) names."""
    return time.clock_gettime((~process << 3) | 2)
