// What a repository's card and files say of it: its tags, links and facts.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/index.h"
#include "hub/tree.h"

namespace hearth::hub {

/// A revision as its description reads it.
struct RevisionView {
  const std::vector<TreeEntry>& files;
  std::string_view card_body;  ///< the README below its metadata
  std::function<std::string(std::string_view path)>
      text;  ///< a small file's text; empty when absent, big or unreadable
};

/// Fills in pipeline_tag, library_name, tags, links and facts; card, config, safetensors and gguf are there.
void describe_index(const Repo& repo, const RevisionView& view, RepoIndex& index);

/// The arXiv ids that a text links or names: "2501.12345".
std::vector<std::string> arxiv_ids(std::string_view text);

/// How a model came from its base: adapter, merge, quantized or finetune; what the card says goes first.
std::string_view base_model_relation(const RepoIndex& index, const RevisionView& view);

}  // namespace hearth::hub
