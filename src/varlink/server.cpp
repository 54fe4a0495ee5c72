#include "varlink/server.hpp"

#include <cerrno>
#include <chrono>
#include <utility>

#include <sys/socket.h>

#include "varlink/peer.hpp"
#include "varlink/service_interface.hpp"

namespace nsenterd::varlink {

using boost::asio::posix::descriptor_base;

namespace {

/// How long accepting rests when there are no descriptors left for a connection.
constexpr std::chrono::milliseconds kPause{100};

std::string text_of(const Json& value) {
  std::string text;
  wire::append_json(text, value);
  return text;
}

}  // namespace

Server::Server(boost::asio::any_io_executor executor, ServerInfo info, Authorize authorize,
               const Limits& limits)
    : executor_(std::move(executor)),
      info_(std::move(info)),
      authorize_(std::move(authorize)),
      limits_(limits) {
  add({kServiceInterfaceName,
       kServiceInterface,
       {{"GetInfo", [this](const auto& call) { get_info(*call); }},
        {"GetInterfaceDescription", [this](const auto& call) { get_interface_description(*call); }}}});
}

Server::~Server() {
  drained_ = nullptr;
  stop();
}

void Server::add(Interface interface) {
  std::string name = interface.name;
  interfaces_.insert_or_assign(std::move(name), std::move(interface));
}

void Server::serve(UniqueFd listener) {
  listening_.push_back(std::make_shared<Listening>(
      Listening{boost::asio::posix::stream_descriptor(executor_, listener.release()),
                boost::asio::steady_timer(executor_)}));
  accept(listening_.back());
}

void Server::stop() {
  stop_accepting();
  for (const auto& connection : all_connections()) connection->close();
}

void Server::authorize_again() {
  for (const auto& connection : all_connections()) {
    if (!authorize_(connection->peer())) connection->close();
  }
}

void Server::drain(std::function<void()> done) {
  stop_accepting();
  for (const auto& connection : all_connections()) connection->finish();
  drained_ = std::move(done);
  if (connections_.empty()) std::exchange(drained_, nullptr)();
}

void Server::stop_accepting() {
  listening_.clear();
}

std::vector<std::shared_ptr<Connection>> Server::all_connections() const {
  return {connections_.begin(), connections_.end()};
}

void Server::accept(const ListeningPtr& listening) {
  listening->socket.async_wait(descriptor_base::wait_read, [this, waiting = std::weak_ptr(listening)](
                                                               const boost::system::error_code& error) {
    const auto still = waiting.lock();
    if (!error && still) on_acceptable(still);
  });
}

void Server::on_acceptable(const ListeningPtr& listening) {
  UniqueFd socket(
      ::accept4(listening->socket.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
    // The listener stays readable: without a rest this would be a busy loop until a descriptor is free again.
    listening->pause.expires_after(kPause);
    listening->pause.async_wait(
        [this, waiting = std::weak_ptr(listening)](const boost::system::error_code& error) {
          const auto still = waiting.lock();
          if (!error && still) accept(still);
        });
    return;
  }
  if (socket) admit(std::move(socket));
  accept(listening);
}

void Server::admit(UniqueFd accepted) {
  auto peer = peer_of(accepted.get());
  if (!peer) return;
  boost::asio::posix::stream_descriptor socket(executor_);
  boost::system::error_code refused;
  socket.assign(accepted.get(), refused);
  // The kernel does not let the event loop watch another descriptor.
  if (refused) return;
  static_cast<void>(accepted.release());
  const bool authorized = authorize_(*peer);
  // Those who may not call at all do not keep out those who may.
  const std::size_t connections = authorized ? limits_.connections : limits_.connections / 2;
  std::size_t& users = connections_of_users_[peer->uid];
  if (connections_.size() >= connections || users >= limits_.connections_of_user) {
    const Json limit{{"limit", "connections"}};
    const std::string text = encode_error(info_.overloaded_error, limit);
    if (observer_ != nullptr) observer_->client_refused(*peer, info_.overloaded_error, limit);
    // A fresh socket takes so little at once; if not, its end says enough.
    static_cast<void>(::send(socket.native_handle(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    if (users == 0) connections_of_users_.erase(peer->uid);
    return;
  }
  ++users;
  const auto connection = std::make_shared<Connection>(
      std::move(socket), std::make_shared<const Peer>(std::move(*peer)), authorized, limits_,
      [this](const auto& call) { dispatch(call); }, [this](const auto& ended) { let_go(ended); }, observer_);
  connections_.insert(connection);
  if (activity_) activity_();
  connection->start();
}

void Server::let_go(const std::shared_ptr<Connection>& connection) {
  connections_.erase(connection);
  const auto users = connections_of_users_.find(connection->peer().uid);
  if (--users->second == 0) connections_of_users_.erase(users);
  if (disconnected_) disconnected_(connection->peer());
  if (activity_) activity_();
  if (connections_.empty() && drained_) std::exchange(drained_, nullptr)();
}

void Server::dispatch(const std::shared_ptr<Call>& call) const {
  if (activity_) activity_();
  // No method here takes the connection over.
  if (call->upgrade()) return call->invalid_parameter("upgrade");
  const std::string_view method = call->method();
  const auto dot = method.rfind('.');
  const auto interface = interfaces_.find(method.substr(0, dot == std::string_view::npos ? 0 : dot));
  if (interface == interfaces_.end()) {
    const std::string_view name = method.substr(0, dot == std::string_view::npos ? method.size() : dot);
    return call->error("org.varlink.service.InterfaceNotFound", {{"interface", name}});
  }
  const auto& methods = interface->second.methods;
  const auto handler = methods.find(method.substr(dot + 1));
  if (handler == methods.end())
    return call->error("org.varlink.service.MethodNotFound", {{"method", method}});
  if (!handler->second) return call->error("org.varlink.service.MethodNotImplemented", {{"method", method}});
  handler->second(call);
}

void Server::get_info(Call& call) const {
  if (!call.expect_no_parameters()) return;
  Json names = Json::array();
  for (const auto& [name, interface] : interfaces_) names.push_back(name);
  call.reply(text_of({{"vendor", info_.vendor},
                      {"product", info_.product},
                      {"version", info_.version},
                      {"url", info_.url},
                      {"interfaces", std::move(names)}}));
}

void Server::get_interface_description(Call& call) const {
  const std::string* name = nullptr;
  for (const auto& [key, value] : call.parameters().items()) {
    if (key != "interface" || !value.is_string()) return call.invalid_parameter(key);
    name = value.get_ptr<const std::string*>();
  }
  if (name == nullptr) return call.invalid_parameter("interface");
  const auto found = interfaces_.find(*name);
  if (found == interfaces_.end()) {
    return call.error("org.varlink.service.InterfaceNotFound", {{"interface", *name}});
  }
  call.reply(text_of({{"description", found->second.description}}));
}

}  // namespace nsenterd::varlink
