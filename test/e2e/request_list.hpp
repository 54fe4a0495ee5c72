// Events with several requests, in a container of runc's.
#pragma once

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/served_container.hpp"

namespace nsenterd::test {

/// What SendRequest gets besides the first request.
inline Json following(const std::vector<Json>& requests) {
  return {{"followingRequests", std::vector<Json>(requests.begin() + 1, requests.end())}};
}

/// All responses of a reply that is no error.
inline std::vector<Json> responses_of(const Json& reply) {
  INFO(reply.dump().substr(0, 1000));
  REQUIRE_FALSE(reply.contains("error"));
  std::vector<Json> responses{reply.at("parameters").at("response")};
  for (const Json& response : reply["parameters"].at("followingResponses")) responses.push_back(response);
  return responses;
}

inline std::vector<std::string> types_of(const std::vector<Json>& responses) {
  std::vector<std::string> types;
  for (const Json& response : responses) types.push_back(response.at("message"));
  return types;
}

struct ListContainer : ServedContainer {
  using ServedContainer::ServedContainer;

  Json reply_to(const std::vector<Json>& requests, const Personality& personality = {}) {
    return reply(requests.front(), personality, following(requests));
  }
  std::vector<Json> responses(const std::vector<Json>& requests, const Personality& personality = {}) {
    return responses_of(reply_to(requests, personality));
  }
};

}  // namespace nsenterd::test
