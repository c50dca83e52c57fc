// hearth datasets: verbs on tables. Their bodies lie in datasets/commands/, behind libhearth_data, which alone maps
// Arrow.
#include "cli/commands_registry.h"
#include "cli/output.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kHeadOptions[] = {kJsonOption, {"rows", "N", "How many rows (5).", false, "n"}};
constexpr Command kRows[] = {{
    .verb = "datasets head",
    .usage = "FILE",
    .summary = "Print the first rows of a table: Parquet, CSV, JSON lines or Arrow.",
    .options = kHeadOptions,
    .help =
        "The format is told by the name's end. --json prints columns with their types, and rows with whole values.\n\n"
        "Examples\n"
        "  $ hearth datasets head train.parquet\n"
        "  $ hearth datasets head data.jsonl -n 20 --json\n",
    .object = "data",
}};

}  // namespace

extern constinit const Commands datasets_entry{Group::files, "datasets", "Look into tables of data.", kRows};

}  // namespace hearth::cli::commands
