"""Describes the machine and how busy other processes keep it."""
import ctypes, ctypes.util, os, time

TICKS = os.sysconf("SC_CLK_TCK")
INSTRUCTIONS = ("avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "bf16", "i8mm")


def flags():
    """The processor's instruction sets that matter for matrix products."""
    for line in open("/proc/cpuinfo"):
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return [flag for flag in INSTRUCTIONS if flag in value.split()]
    return []


def multiplies_bfloat16():
    """Whether the processor has bfloat16 instructions; without them PyTorch's bfloat16 is extremely slow."""
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(flags()))


def processor():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return os.uname().machine


def openblas():
    """The version of Debian's OpenBLAS and the kernels it chooses for this processor. blip may choose better ones,
    which its description names."""
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
    """Seconds that the machine's processors were busy or withheld by the hypervisor."""
    user, nice, system, idle, wait, *interrupts = map(int, open("/proc/stat").readline().split()[1:9])
    return (user + nice + system + sum(interrupts)) / TICKS


def spent(process):
    """Processor seconds used by a process: the clock of clock_getcpuclockid(3)."""
    return time.clock_gettime((~process << 3) | 2)
