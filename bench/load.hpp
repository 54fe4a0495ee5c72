// Many clients of a daemon in one thread, each with a connection of its own and one call under way at a time.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "client.hpp"

namespace nsenterd::bench {

class Load {
 public:
  /// A client for each of the requests, which it makes all the time. The daemon outlives it.
  Load(const test::ServerProcess& daemon, const std::vector<Request>& requests);

  struct Done {
    std::size_t events = 0;
    std::chrono::nanoseconds time{};
  };
  /// Only the first `clients` of them, for that time and until all replies are there. Throws if one is no answer.
  Done run(std::size_t clients, std::chrono::milliseconds time);

 private:
  UniqueFd epoll_;
  std::vector<Client> clients_;
  std::vector<std::string> calls_;
  std::string response_type_;
};

}  // namespace nsenterd::bench
