#include "hub/token_places.h"

#include "base/clock.h"

namespace hearth::hub {
namespace {

constexpr int64_t kPlacesMax = 1000;

}  // namespace

Result<TokenPlace> note_token_place(const Hub& hub, int64_t token_id, std::string_view network) {
  if (TRY(hub.db().query_one("SELECT 1 FROM token_places WHERE token_id = $1 AND network = $2", {token_id, network})))
    return TokenPlace::known;
  auto transaction = TRY(hub.db().begin());
  const auto before = TRY(transaction.query_one("SELECT count(*) FROM token_places WHERE token_id = $1", {token_id}));
  const auto count = (*before)[0].integer();
  // Of two fronts that see it at once, one adds it.
  if (TRY(transaction.execute(
          "INSERT INTO token_places (token_id, network, first_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
          {token_id, network, now_ms()})) == 0)
    return TokenPlace::known;
  if (count >= kPlacesMax)
    TRY(
        transaction.execute("DELETE FROM token_places WHERE token_id = $1 AND network IN (SELECT network FROM "
                            "token_places WHERE token_id = $1 ORDER BY first_ms, network LIMIT $2)",
                            {token_id, count - kPlacesMax + 1}));
  TRY(transaction.commit());
  return count == 0 ? TokenPlace::first : TokenPlace::added;
}

}  // namespace hearth::hub
