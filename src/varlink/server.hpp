// A Varlink server: interfaces, their methods, and who may call them (daemon, and test servers).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <nsenterd/unique_fd.hpp>

#include "varlink/call.hpp"
#include "varlink/connection.hpp"
#include "varlink/limits.hpp"
#include "varlink/observer.hpp"

namespace nsenterd::varlink {

struct Interface {
  /// Such as "io.nsenterd".
  std::string name;
  /// Its definition, comments and all: what GetInterfaceDescription returns.
  std::string description;
  /// By name, such as "SendRequest". An empty handler: MethodNotImplemented.
  std::map<std::string, Handler, std::less<>> methods;
};

/// What org.varlink.service.GetInfo returns, besides the interfaces.
struct ServerInfo {
  std::string vendor;
  std::string product;
  std::string version;
  std::string url;
  /// The error that a connection over a limit is closed with; its parameter is the limit's name.
  std::string overloaded_error;
};

/// Not to be destroyed from within one of its handlers.
class Server {
 public:
  /// Whether a peer may call this server at all; others get PermissionDenied.
  using Authorize = std::function<bool(const Peer&)>;

  Server(boost::asio::any_io_executor executor, ServerInfo info, Authorize authorize,
         const Limits& limits = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  void add(Interface interface);
  /// Called once for every connection that was admitted, when it has ended, by whichever side, and after
  /// Call::on_abandoned(). Calls of that connection have this very Peer.
  void on_disconnected(std::function<void(const Peer&)> handler) { disconnected_ = std::move(handler); }
  /// For connections that are accepted from now on.
  void set_limits(const Limits& limits) { limits_ = limits; }
  /// Asks anew of every peer whether it may call, and ends the connections of those who may not any more.
  void authorize_again();
  /// It is told of everything from now on, and outlives the server.
  void observe(Observer& observer) { observer_ = &observer; }
  /// Called whenever there is something new: a connection, a call, or that a connection has ended.
  void on_activity(std::function<void()> handler) { activity_ = std::move(handler); }
  /// Accepts connections on a listening socket from now on; on as many as are given.
  void serve(UniqueFd listener);
  /// Accepts no more. Ends every connection as soon as the call under way has been answered and its replies
  /// written, at once where there are none; calls sent ahead are not begun. `done` is called once, when no
  /// connection is left: perhaps before this returns, or by stop(), but not by the destructor.
  void drain(std::function<void()> done);
  /// Accepts no more. Connections stay.
  void stop_accepting();
  /// Accepts no more, and ends all connections.
  void stop();

  /// Open ones.
  [[nodiscard]] std::size_t connections() const noexcept { return connections_.size(); }

 private:
  /// A listening socket, and what it rests by.
  struct Listening {
    boost::asio::posix::stream_descriptor socket;
    boost::asio::steady_timer pause;
  };
  using ListeningPtr = std::shared_ptr<Listening>;

  void accept(const ListeningPtr& listening);
  void on_acceptable(const ListeningPtr& listening);
  void admit(UniqueFd accepted);
  void let_go(const std::shared_ptr<Connection>& connection);
  /// A copy: a connection that ends leaves the set, and tells handlers that may end others.
  [[nodiscard]] std::vector<std::shared_ptr<Connection>> all_connections() const;
  void dispatch(const std::shared_ptr<Call>& call) const;
  void get_info(Call& call) const;
  void get_interface_description(Call& call) const;

  boost::asio::any_io_executor executor_;
  ServerInfo info_;
  Authorize authorize_;
  Limits limits_;
  std::map<std::string, Interface, std::less<>> interfaces_;
  std::vector<ListeningPtr> listening_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::map<uid_t, std::size_t> connections_of_users_;
  std::function<void(const Peer&)> disconnected_;
  std::function<void()> activity_;
  std::function<void()> drained_;
  Observer* observer_ = nullptr;
};

}  // namespace nsenterd::varlink
