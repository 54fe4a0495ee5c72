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

#include "base/unique_fd.hpp"
#include "varlink/call.hpp"
#include "varlink/connection.hpp"
#include "varlink/limits.hpp"

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

class Server {
 public:
  /// Whether a peer may call this server at all; others get PermissionDenied.
  using Authorize = std::function<bool(const Peer&)>;

  Server(boost::asio::any_io_executor executor, ServerInfo info, Authorize authorize,
         const Limits& limits = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() { stop(); }

  void add(Interface interface);
  /// Accepts connections on a listening socket from now on.
  void serve(base::UniqueFd listener);
  /// Accepts no more, and ends all connections.
  void stop();

 private:
  void accept();
  void on_acceptable();
  void admit(base::UniqueFd socket);
  void let_go(const std::shared_ptr<Connection>& connection);
  void dispatch(const std::shared_ptr<Call>& call) const;
  void get_info(Call& call) const;
  void get_interface_description(Call& call) const;

  boost::asio::any_io_executor executor_;
  ServerInfo info_;
  Authorize authorize_;
  Limits limits_;
  std::map<std::string, Interface, std::less<>> interfaces_;
  std::shared_ptr<boost::asio::posix::stream_descriptor> listener_;
  boost::asio::steady_timer pause_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::map<uid_t, std::size_t> connections_of_users_;
};

}  // namespace nsenterd::varlink
