#include "base/door.h"

#include <dlfcn.h>

#include <exception>
#include <string>

#include "base/files.h"
#include "base/text.h"

namespace hearth {

Result<void*> open_door(std::string_view object, const char* symbol) {
  Dl_info here{};
  dladdr(reinterpret_cast<void*>(&open_door), &here);
  const auto path = path_join(path_parent(here.dli_fname ? here.dli_fname : ""), cat("libhearth_", object, ".so"));
  if (!exists(path))
    return Status(Code::unavailable, cat("this copy of Hearth has no part '", object,
                                         "': it comes with the package hearth-extra (libtorch, Arrow), or a build from "
                                         "source; looked for ",
                                         path));
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return Status(Code::unavailable, cat("this build lacks its part '", object, "': ", std::string_view(dlerror())));
  void* found = dlsym(handle, symbol);
  if (!found) return Status(Code::unavailable, cat("libhearth_", object, ".so has no ", std::string_view(symbol)));
  return found;
}

int run_command(std::span<const CommandBody* const> bodies, std::string_view verb,
                std::span<const std::string_view> words, Terminal& terminal) {
  for (const auto* body : bodies) {
    if (body->verb != verb) continue;
    try {
      return body->run(Arguments::from_words(words), terminal);
    } catch (const std::exception& error) {
      return terminal.fail(Status(Code::internal, cat(verb, ": ", std::string_view(error.what()))));
    }
  }
  return terminal.fail(Status(Code::unsupported, cat("'", verb, "' is not in this build")));
}

}  // namespace hearth
