// nsenterd: serves io.nsenterd on a unix socket. Joins no namespace itself.
#include <chrono>
#include <csignal>
#include <exception>
#include <optional>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <nsenterd/service.hpp>

#include "base/memory.hpp"
#include "daemon/access.hpp"
#include "daemon/build_config.hpp"
#include "daemon/event_interface.hpp"
#include "daemon/options.hpp"
#include "varlink/listener.hpp"
#include "varlink/server.hpp"

namespace nsenterd::daemon {
namespace {

void set_up_logging(const Options& options) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("nsenterd"));
  spdlog::set_level(options.log_level);
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
}

/// Every connection and every event takes several descriptors; the soft limit is for programs that use select(2).
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) spdlog::warn("cannot raise the limit of descriptors");
}

/// SIGTERM and SIGINT: lets events that are under way finish, and their replies be written, before the loop ends; a second
/// signal, or the end of the time, ends it at once.
class Ending {
 public:
  Ending(boost::asio::io_context& context, varlink::Server& server, EventInterface& events,
         std::chrono::milliseconds time)
      : context_(context),
        server_(server),
        events_(events),
        time_(time),
        signals_(context, SIGTERM, SIGINT),
        timer_(context) {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (!error) begin(signal);
    });
  }

 private:
  void begin(int signal) {
    spdlog::info("ending on signal {}", signal);
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (!error) context_.stop();
    });
    timer_.expires_after(time_);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      spdlog::warn("events are still under way after {} ms", time_.count());
      context_.stop();
    });
    server_.stop_accepting();
    events_.drain([this] { server_.drain([this] { context_.stop(); }); });
  }

  boost::asio::io_context& context_;
  varlink::Server& server_;
  EventInterface& events_;
  std::chrono::milliseconds time_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer timer_;
};

int serve(const Options& options) {
  raise_descriptor_limit();
  base::keep_freed_memory();
  // One thread: the hint lets Asio do without locks.
  boost::asio::io_context context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
  auto service = NSenterService::create(context.get_executor(),
                                        {.agent = options.agent, .warm_agents = options.warm_agents});
  if (!service) {
    spdlog::error("cannot start with agent {}: {}", options.agent.native(), to_string(service.error()));
    return 1;
  }
  varlink::Server server(context.get_executor(),
                         {.vendor = "nsenterd",
                          .product = "nsenterd",
                          .version = kVersion,
                          .url = "",
                          .overloaded_error = "io.nsenterd.Overloaded"},
                         may_call);
  EventInterface events(*service, {}, [&server] { return server.connections(); });
  server.add(events.describe());
  server.on_disconnected([&events](const varlink::Peer& peer) { events.disconnected(peer); });
  varlink::Listener listener(options.socket);
  server.serve(listener.take_socket());

  Ending ending(context, server, events, options.drain_time);
  spdlog::info("nsenterd {} serves {}", kVersion, options.socket.native());
  context.run();
  // While the interface is still there to be told.
  server.stop();
  return 0;
}

}  // namespace
}  // namespace nsenterd::daemon

int main(int argc, char** argv) {
  int exit_status = 0;
  const auto options = nsenterd::daemon::parse_options(argc, argv, exit_status);
  if (!options) return exit_status;
  // A reader of our log that goes away is no reason to end.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    nsenterd::daemon::set_up_logging(*options);
    return nsenterd::daemon::serve(*options);
  } catch (const std::exception& failure) {
    spdlog::error("{}", failure.what());
    return 1;
  }
}
