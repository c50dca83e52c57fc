// Ids of things that are no repositories (discussions' events, collections, webhooks): 24 hexadecimal digits in the
// form of MongoDB's ObjectId, as the Hub's clients know them. Source: MongoDB manual, ObjectId (4 bytes time, 8 of
// chance).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::hub {

/// A new id: later ones sort after earlier ones by the second.
std::string new_object_id();

/// 24 lower-case hexadecimal digits?
bool is_object_id(std::string_view text);

/// The id that a row's number has on the wire: repositories and owners are numbered.
std::string object_id_of(int64_t number);
/// The inverse; nothing for an id that no row's number has.
std::optional<int64_t> number_of_object_id(std::string_view id);

}  // namespace hearth::hub
