#include "support/openat2.hpp"

#include <stdexcept>

namespace nsenterd::test {

Json openat2_request(const Personality& personality, const OpenHow& how) {
  return {{"message", "openat2SyscallRequest"},
          {"payload",
           {{"header", personality.header()},
            {"path", how.path},
            {"flags", how.flags},
            {"mode", how.mode},
            {"resolve", how.resolve},
            {"verifyfs", how.verifyfs}}}};
}

Opened openat2(ServedContainer& served, const Personality& personality, const OpenHow& how) {
  auto& received = served.client().descriptors();
  received.clear();
  const Json response = served.response(openat2_request(personality, how), personality);
  const auto surprise = [&](const char* what) {
    return std::runtime_error("openat2 " + how.path + ": " + what + ": " + response.dump());
  };
  if (response.at("message") == "errorResponse") {
    if (!received.empty()) throw surprise("a descriptor with an error");
    return {
        response["payload"].at("code").get<int>(), response["payload"].at("message").get<std::string>(), {}};
  }
  if (response != Json{{"message", "openat2SyscallResponse"}, {"payload", {{"fd", 0}}}}) {
    throw surprise("not the response of openat2");
  }
  if (received.size() != 1) throw surprise("not one descriptor");
  Opened opened{0, {}, std::move(received.front())};
  received.clear();
  return opened;
}

}  // namespace nsenterd::test
