// hearth doctor: what this machine has for Hearth (processor, memory, disk, parts, programs), and what to do about
// gaps.
#include <sched.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/door.h"
#include "base/files.h"
#include "base/machine.h"
#include "base/process.h"
#include "base/text.h"
#include "cli/commands_registry.h"
#include "cli/output.h"
#include "huggingface_hub/endpoint.h"

namespace hearth::cli::commands {
namespace {

struct Check {
  std::string name;
  std::string found;
  std::string advice;  ///< empty: fine
};

int core_count() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

Check processor() {
  const auto flags = cat(" ", proc_field("/proc/cpuinfo", "flags"), " ");
  std::string used;
  for (const auto flag : {"avx2", "f16c", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile"})
    if (contains(flags, cat(" ", std::string_view(flag), " ")))
      used += cat(used.empty() ? "" : " ", std::string_view(flag));
  const auto model = proc_field("/proc/cpuinfo", "model name");
  Check out{"processor",
            cat(model.empty() ? "unknown" : model, ", ", core_count(), " cores, ", used.empty() ? "no AVX" : used), ""};
  if (!contains(flags, " avx2 "))
    out.advice = "no AVX2: models run with portable code, many times slower than on a processor since 2013";
  return out;
}

Check memory() {
  const auto found = machine_memory();
  const auto total = static_cast<uint64_t>(found.total_bytes), available = static_cast<uint64_t>(found.free_bytes);
  Check out{"memory",
            cat(human_size(total), ", ", human_size(available), " free",
                found.is_limited ? " (limited by a control group)" : ""),
            ""};
  if (available < (1u << 30))
    out.advice = "under 1 GB is free: close other programs, or use a smaller or quantized model";
  return out;
}

/// Free space where `path` will be: of its nearest existing parent.
Check disk(std::string name, const std::string& path) {
  std::string there = path;
  while (!there.empty() && there != "/" && !exists(there)) there = std::string(path_parent(there));
  if (there.empty()) there = path.starts_with('/') ? "/" : ".";
  struct statvfs space {};
  if (statvfs(there.c_str(), &space) != 0)
    return {std::move(name), path, "the folder cannot be read: check its rights"};
  const uint64_t free = static_cast<uint64_t>(space.f_bavail) * space.f_frsize;
  Check out{std::move(name), cat(path, ", ", human_size(free), " free"), ""};
  if (access(there.c_str(), W_OK) != 0) {
    out.advice = cat("you may not write to ", there, ": change its owner, or choose another folder");
  } else if (free < (2u << 30) - 1) {
    out.advice = "under 2 GB is free: `hearth cache prune` and `hearth cache rm` make room";
  }
  return out;
}

Check part(std::string_view object, std::string_view what) {
  const auto door = open_door(object, cat("hearth_", object, "_run").c_str());
  if (door.ok()) return {cat("part ", object), std::string(what), ""};
  return {cat("part ", object), cat("missing: ", what), cat(door.status().message(), "; `make build` builds it")};
}

Check program(const std::string& name, std::string_view what) {
  const auto path = env("PATH");
  for (const auto folder : split(path, ':')) {
    const auto file = path_join(folder, name);
    if (access(file.c_str(), X_OK) == 0) return {name, file, ""};
  }
  return {name, "not found", cat(what, ": apt-get install ", name)};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  const auto data = env("HEARTH_DATA");
  const Check checks[] = {
      processor(),
      memory(),
      disk("data", data.empty() ? "data" : data),
      disk("cache", hf_hub_cache()),
      part("hub", "the Hub (serve, admin)"),
      part("nn", "models (run, chat)"),
      part("data", "datasets"),
      program("git", "the Hub serves git clone and push with it"),
      program("git-lfs", "git clients need it for large files"),
  };
  Json rows(Json::Array{});
  std::string text;
  bool fine = true;
  for (const auto& check : checks) {
    fine = fine && check.advice.empty();
    rows.array().push_back(Json::Object{{"name", check.name},
                                        {"ok", check.advice.empty()},
                                        {"found", check.found},
                                        {"advice", check.advice.empty() ? Json() : Json(check.advice)}});
    text += cat(check.advice.empty() ? "✓ " : "! ", check.name,
                std::string(check.name.size() < 12 ? 12 - check.name.size() : 1, ' '), check.found, "\n");
    if (!check.advice.empty()) text += cat("  → ", check.advice, "\n");
  }
  if (output->format() == Format::json) {
    terminal.print_line(Json(Json::Object{{"ok", fine}, {"version", HEARTH_VERSION}, {"checks", rows}}).dump());
  } else {
    terminal.print(text);
  }
  return fine ? 0 : code_row(Code::unavailable).exit_code;
}

constexpr Option kOptions[] = {kJsonOption, kFormatOption};
constexpr Command kRows[] = {{
    .verb = "doctor",
    .usage = "",
    .summary = "Check this machine: processor, memory, disk, missing parts, and what to do.",
    .options = kOptions,
    .help = "The exit code is 0 when nothing is missing.\n\n"
            "Examples\n"
            "  $ hearth doctor\n"
            "  $ hearth doctor --json\n",
    .run = run,
}};

}  // namespace

extern constinit const Commands doctor_entry{Group::machine, "doctor", kRows[0].summary, kRows};

}  // namespace hearth::cli::commands
