// Which imports of a pickle are known to be safe, and which are known to run code.
// Source: picklescan src/picklescan/scanner.py (_safe_globals, _unsafe_globals); the Hub's documentation, "Pickle
// Scanning"; the types that torch.save and joblib.dump write.
#include <algorithm>

#include "base/text.h"
#include "hub/scan/pickle.h"

namespace hearth::hub::scan {
namespace {

struct Rule {
  std::string_view module;
  std::string_view names;  // "*", or names between spaces
};

constexpr Rule kSafe[] = {
    {"collections", " OrderedDict defaultdict Counter deque "},
    {"builtins", " set frozenset dict list tuple int float complex bool str bytes bytearray slice range object "},
    {"__builtin__",
     " set frozenset dict list tuple int long float complex bool str unicode bytes bytearray slice object "},
    {"copy_reg", " _reconstructor "},
    {"copyreg", " _reconstructor "},
    {"datetime", " datetime date time timedelta timezone "},
    {"_codecs", " encode "},
    {"torch",
     " FloatStorage DoubleStorage HalfStorage BFloat16Storage LongStorage IntStorage ShortStorage CharStorage "
     "ByteStorage "
     "BoolStorage ComplexFloatStorage ComplexDoubleStorage QInt8Storage QUInt8Storage QInt32Storage Tensor Size device "
     "dtype float float16 float32 float64 double half bfloat16 uint8 int8 int16 int32 int64 long int short bool "
     "complex64 "
     "complex128 float8_e4m3fn float8_e5m2 qint8 quint8 qint32 strided sparse_coo per_channel_affine "
     "per_tensor_affine "},
    {"torch._utils",
     " _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_with_state "
     "_rebuild_sparse_tensor _rebuild_qtensor _rebuild_device_tensor_from_numpy _rebuild_meta_tensor_no_storage "},
    {"torch.nn.parameter", " Parameter Buffer "},
    {"torch.storage", " UntypedStorage TypedStorage "},
    {"torch.serialization", " _get_layout "},
    {"torch.optim.adam", " Adam "},
    {"torch.optim.adamw", " AdamW "},
    {"torch.optim.sgd", " SGD "},
    {"numpy", " ndarray dtype float64 float32 int64 int32 bool_ "},
    {"numpy.core.multiarray", " _reconstruct scalar "},
    {"numpy._core.multiarray", " _reconstruct scalar "},
    {"numpy.dtypes", "*"},
    {"argparse", " Namespace "},
    {"transformers.training_args", " TrainingArguments OptimizerNames "},
    {"transformers.trainer_utils", " IntervalStrategy SchedulerType HubStrategy "},
};

constexpr Rule kDangerous[] = {
    {"?", "*"},  // a name that only running the pickle would tell
    {"builtins",
     " eval exec compile getattr setattr delattr apply execfile open breakpoint __import__ input globals "
     "locals vars memoryview "},
    {"__builtin__",
     " eval exec compile getattr setattr delattr apply execfile file open breakpoint __import__ input "
     "raw_input reload globals locals vars "},
    {"os", "*"},
    {"nt", "*"},
    {"posix", "*"},
    {"posixpath", "*"},
    {"subprocess", "*"},
    {"commands", "*"},
    {"sys", "*"},
    {"socket", "*"},
    {"_socket", "*"},
    {"ssl", "*"},
    {"shutil", "*"},
    {"pty", "*"},
    {"platform", " popen system _syscmd_ver "},
    {"runpy", "*"},
    {"code", "*"},
    {"codeop", "*"},
    {"importlib", "*"},
    {"imp", "*"},
    {"pkgutil", "*"},
    {"pip", "*"},
    {"ensurepip", "*"},
    {"operator", " attrgetter methodcaller itemgetter "},
    {"_operator", " attrgetter methodcaller itemgetter "},
    {"functools", " partial partialmethod reduce "},
    {"_functools", " partial reduce "},
    {"types", " CodeType FunctionType LambdaType MethodType "},
    {"marshal", "*"},
    {"pickle", "*"},
    {"_pickle", "*"},
    {"cPickle", "*"},
    {"dill", "*"},
    {"cloudpickle", "*"},
    {"shelve", "*"},
    {"ctypes", "*"},
    {"_ctypes", "*"},
    {"cffi", "*"},
    {"bdb", "*"},
    {"pdb", "*"},
    {"trace", "*"},
    {"timeit", "*"},
    {"profile", "*"},
    {"cProfile", "*"},
    {"doctest", "*"},
    {"idlelib", "*"},
    {"lib2to3", "*"},
    {"asyncio", "*"},
    {"multiprocessing", "*"},
    {"concurrent", "*"},
    {"threading", "*"},
    {"_thread", "*"},
    {"signal", "*"},
    {"venv", "*"},
    {"pydoc", " pipepager locate "},
    {"webbrowser", "*"},
    {"http", "*"},
    {"httplib", "*"},
    {"urllib", "*"},
    {"urllib2", "*"},
    {"requests", "*"},
    {"aiohttp", "*"},
    {"httpx", "*"},
    {"ftplib", "*"},
    {"smtplib", "*"},
    {"telnetlib", "*"},
    {"paramiko", "*"},
    {"tempfile", "*"},
    {"pathlib", "*"},
    {"io", " open open_code FileIO "},
    {"_io", " open open_code FileIO "},
    {"codecs", " open "},
    {"fileinput", "*"},
    {"zipfile", "*"},
    {"tarfile", "*"},
    {"sqlite3", "*"},
    {"logging", " config "},
    {"distutils", "*"},
    {"setuptools", "*"},
    {"numpy.testing", "*"},
    {"numpy.f2py", "*"},
    {"torch.hub", "*"},
    {"torch.utils", " _config_module collect_env bottleneck "},
    {"torch.jit", " unsupported_tensor_ops "},
    {"torch._dynamo", "*"},
    {"torch._inductor", "*"},
    {"torch.fx", "*"},
    {"torch.distributed", "*"},
    {"torch.serialization", " load "},
};

bool has_name(const Rule& rule, std::string_view name) {
  return rule.names == "*" || contains(rule.names, cat(" ", name, " "));
}

}  // namespace

Safety judge_import(std::string_view module, std::string_view name) {
  // A dotted name reaches into the module: `builtins` and `eval.__call__` is `eval`, `torch` and `os.system` is `os`.
  const auto dot = name.find('.');
  const auto first = name.substr(0, dot);
  for (const auto& rule : kDangerous) {
    const bool within = module == rule.module ||
                        (module.starts_with(rule.module) && module.substr(rule.module.size()).starts_with('.'));
    if (within && has_name(rule, first)) return Safety::dangerous;
    // What another module has imported is as dangerous there: `torch.serialization` and `os.system`.
    if (dot != std::string_view::npos && rule.names == "*" && first == rule.module) return Safety::dangerous;
  }
  if (dot != std::string_view::npos) return Safety::suspicious;
  for (const auto& rule : kSafe)
    if (module == rule.module && has_name(rule, name)) return Safety::innocuous;
  return Safety::suspicious;
}

}  // namespace hearth::hub::scan
