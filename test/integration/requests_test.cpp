// What an event needs, by its requests: each of them counts, and each by its payload.
#include "service/requests.hpp"

#include <string>
#include <vector>

#include "requests.hpp"
#include "support/catch.hpp"

namespace nsenterd::test {
namespace {

using service::check_requests;
using service::CheckedRequests;

const Message kPlain = request::read_file("/file");
const Message kPersonal = request::on_behalf(kPlain);

CheckedRequests checked(const Message& first, const std::vector<Message>& following = {}) {
  return check_requests(first, following).value();
}

TEST_CASE(
    "A file that is read on somebody's behalf changes the agent, and is not read before it is known where "
    "that is") {
  const auto plain = checked(kPlain);
  CHECK_FALSE(plain.needs.takes_personality);
  CHECK(plain.needs.only_reads);
  CHECK_FALSE(plain.is_list);
  const auto personal = checked(kPersonal);
  CHECK(personal.needs.takes_personality);
  CHECK_FALSE(personal.needs.only_reads);
  CHECK(personal.is_list);
  CHECK(personal.count() == 1);
}

TEST_CASE("One request with a header is enough for the event, which forks unless it is the last") {
  const auto forks = [](const std::vector<Message>& following, const Message& first) {
    const auto requests = checked(first, following);
    CHECK(requests.needs.takes_personality);
    CHECK_FALSE(requests.needs.only_reads);
    CHECK(requests.is_list);
    return requests.needs.forks;
  };
  CHECK_FALSE(forks({kPersonal}, kPlain));
  CHECK_FALSE(forks({kPlain, kPersonal}, kPlain));
  CHECK(forks({kPlain}, kPersonal));
  CHECK(forks({kPersonal}, kPersonal));
  CHECK(forks({kPersonal, kPlain}, kPlain));
  const auto plain = checked(kPlain, {kPlain, kPlain});
  CHECK_FALSE(plain.needs.takes_personality);
  CHECK_FALSE(plain.needs.forks);
  CHECK(plain.needs.only_reads);
}

}  // namespace
}  // namespace nsenterd::test
