#include "e2e/local_server.hpp"

#include <stdexcept>

namespace nsenterd::test {
namespace {

std::string reply_of(std::size_t size) {
  return R"({"data":")" + std::string(size, 'x') + "\"}";
}

std::size_t size_of(varlink::Call& call) {
  return call.parameters().value("size", std::size_t{0});
}

}  // namespace

LocalServer::LocalServer(const varlink::Limits& limits) {
  socket_ = directory_ / "socket";
  server_.emplace(
      context_.get_executor(), varlink::ServerInfo{.overloaded_error = "test.Overloaded"},
      [this](const varlink::Peer&) { return authorizes; }, limits);
  server_->add({"test",
                "interface test",
                {{"Echo", method(&LocalServer::echo)},
                 {"Wait", method(&LocalServer::keep)},
                 {"Drop", method(&LocalServer::drop)},
                 {"Flood", method(&LocalServer::flood)}}});
  server_->on_disconnected([this](const varlink::Peer& peer) {
    ++ended[&peer];
    ++ended_in_all;
  });
  listener_.emplace(socket_);
  server_->serve(listener_->take_socket());
  thread_ = std::thread([this] { context_.run(); });
}

LocalServer::~LocalServer() {
  run([this] {
    destroy_server();
    waiting.clear();
  });
  work_.reset();
  thread_.join();
  listener_.reset();
}

std::size_t LocalServer::connections() {
  return run([this] { return server_->connections(); });
}

std::size_t LocalServer::calls_under_way() {
  return run([this] { return waiting.size(); });
}

void LocalServer::answer() {
  run([this] {
    for (const auto& call : std::exchange(waiting, {})) call->reply();
  });
}

varlink::Handler LocalServer::method(void (LocalServer::*serve)(const std::shared_ptr<varlink::Call>&)) {
  return [this, serve](const std::shared_ptr<varlink::Call>& call) {
    ++calls;
    if (peers.empty() || peers.back() != call->shared_peer()) peers.push_back(call->shared_peer());
    (this->*serve)(call);
  };
}

void LocalServer::echo(const std::shared_ptr<varlink::Call>& call) {
  call->reply(reply_of(size_of(*call)));
}

void LocalServer::keep(const std::shared_ptr<varlink::Call>& call) {
  call->on_abandoned([this] { ++abandoned; });
  waiting.push_back(call);
}

void LocalServer::drop(const std::shared_ptr<varlink::Call>& /*call*/) {}

void LocalServer::flood(const std::shared_ptr<varlink::Call>& call) {
  keep(call);
  const int before = abandoned;
  for (int left = call->parameters().value("count", 0); left > 0 && abandoned == before; --left) {
    call->reply_continues(reply_of(size_of(*call)));
    ++flooded;
  }
}

}  // namespace nsenterd::test
