// What nsenterctl says of what takes long.
#include "cli/progress.hpp"

#include "support/catch.hpp"

namespace nsenterd::cli {
namespace {

using std::chrono::milliseconds;

TEST_CASE("A request that waits says for how long, and for how long at most if that is known") {
  CHECK(waiting_text(milliseconds(3900), std::nullopt) == "waiting for 3s");
  CHECK(waiting_text(milliseconds(1000), milliseconds(60'000)) == "waiting for 1s of 60s");
}

TEST_CASE("A file says how much of it there has been, and how fast") {
  constexpr std::uint64_t kMebibyte = 1U << 20U;
  CHECK(transfer_text(3 * kMebibyte, 30 * kMebibyte, milliseconds(2000)) == "3.0 MiB of 30.0 MiB, 1.5 MiB/s");
  CHECK(transfer_text(kMebibyte / 2, std::nullopt, milliseconds(1000)) == "0.5 MiB, 0.5 MiB/s");
  CHECK(transfer_text(0, 0, milliseconds(0)) == "0.0 MiB of 0.0 MiB, 0.0 MiB/s");
}

}  // namespace
}  // namespace nsenterd::cli
