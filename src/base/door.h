// Doors between shared objects: a room in another object is opened at first use, so that `hearth --help` maps neither
// libtorch nor Arrow. Only `cli` and `tensor/backend.cc` may include another room's door.h (design, section 3).
#pragma once

#include <span>
#include <string_view>

#include "base/arguments.h"
#include "base/result.h"
#include "base/terminal.h"

namespace hearth {

/// The entry of an object with commands: runs `verb` ("run", "admin user create") with canonical words
/// (Arguments::words) and returns the exit code. Exported as `hearth_OBJECT_run`.
using CommandDoor = int (*)(std::string_view verb, std::span<const std::string_view> words, Terminal& terminal);

/// The body of one verb, in the registry folder `commands/` of the room that does the work.
struct CommandBody {
  std::string_view verb;
  int (*run)(const Arguments& arguments, Terminal& terminal);
};

/// Opens libhearth_<object>.so beside this library and returns `symbol`; unavailable, with the reason, when it cannot.
/// An object stays open until the process ends.
Result<void*> open_door(std::string_view object, const char* symbol);

/// The body of `verb` among `bodies`, run; a bug when the object lacks it.
int run_command(std::span<const CommandBody* const> bodies, std::string_view verb,
                std::span<const std::string_view> words, Terminal& terminal);

}  // namespace hearth
