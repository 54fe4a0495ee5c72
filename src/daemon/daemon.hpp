// The daemon as a whole: its event loop, what runs on it, and what signals do to it (daemon).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <nsenterd/service.hpp>

#include "daemon/audit.hpp"
#include "daemon/event_interface.hpp"
#include "daemon/log.hpp"
#include "daemon/metrics_file.hpp"
#include "daemon/options.hpp"
#include "daemon/service_manager.hpp"
#include "daemon/status_line.hpp"
#include "daemon/watchdog.hpp"
#include "varlink/server.hpp"

namespace nsenterd::daemon {

class Daemon {
 public:
  /// Starts the fork server. The log and the service manager outlive it. Throws std::runtime_error.
  Daemon(Options options, Configuration configuration, Log& log, ServiceManager& manager);
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  ~Daemon();

  /// Serves listening sockets until a signal says that it is enough. `name` says which, in the log.
  void serve(std::vector<UniqueFd> listeners, const std::string& name);

 private:
  /// SIGTERM and SIGINT: lets events that are under way finish, and their replies be written, before the loop ends; a second
  /// signal, or the end of the time, ends it at once.
  void await_end();
  void end(int signal);
  /// SIGHUP: reads the configuration anew.
  void await_reload();
  void reload();
  void apply(const Configuration& configuration);
  /// Writes the metrics to the file of the configuration, and to no other.
  void write_metrics();

  Options options_;
  // The events and the audit look here; what is read anew takes its place.
  Configuration configuration_;
  Log& log_;
  ServiceManager& manager_;
  Audit audit_{log_, configuration_.access};
  // One thread: the hint lets Asio do without locks.
  boost::asio::io_context context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE};
  NSenterService service_;
  varlink::Server server_;
  EventInterface events_;
  std::optional<MetricsFile> metrics_file_;
  StatusLine status_;
  Watchdog watchdog_;
  boost::asio::signal_set end_signals_{context_, SIGTERM, SIGINT};
  boost::asio::signal_set reload_signal_{context_, SIGHUP};
  boost::asio::steady_timer drain_timer_{context_};
};

}  // namespace nsenterd::daemon
