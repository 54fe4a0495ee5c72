#include "load.hpp"

#include <array>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "process.hpp"

namespace nsenterd::bench {

Load::Load(const test::ServerProcess& daemon, const std::vector<Request>& requests)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), response_type_(response_type(requests.front())) {
  for (const Request& request : requests) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = clients_.size()}};
    clients_.emplace_back(daemon.socket());
    calls_.push_back(send_request_call(request));
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, clients_.back().descriptor(), &event) != 0)
      throw_errno("epoll_ctl");
  }
}

Load::Done Load::run(std::size_t clients, std::chrono::milliseconds time) {
  const auto begin = std::chrono::steady_clock::now();
  std::size_t under_way = clients;
  for (std::size_t i = 0; i < clients; ++i) clients_[i].send(calls_[i]);
  std::size_t events = 0;
  while (under_way > 0) {
    std::array<epoll_event, 64> ready;
    const int count = ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), -1);
    if (count < 0) throw_errno("epoll_wait");
    const bool time_is_up = std::chrono::steady_clock::now() - begin >= time;
    for (int i = 0; i < count; ++i) {
      const auto at = ready[static_cast<std::size_t>(i)].data.u64;
      Client& client = clients_[at];
      if (!client.receive(MSG_DONTWAIT)) continue;
      client.expect(response_type_);
      ++events;
      if (time_is_up) {
        --under_way;
      } else {
        client.send(calls_[at]);
      }
    }
  }
  return {events, std::chrono::steady_clock::now() - begin};
}

}  // namespace nsenterd::bench
