#include "daemon/daemon.hpp"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "daemon/build_config.hpp"

namespace nsenterd::daemon {
namespace {

/// What ending takes once events are over, or given up: agents that the kernel does not let go are waited for, for a second.
constexpr std::chrono::seconds kEndTime{5};

NSenterService create_service(boost::asio::io_context& context, const Options& options,
                              const Configuration& configuration, Audit& audit) {
  auto service = NSenterService::create(
      context.get_executor(), {.agent = options.agent,
                               .max_events = configuration.max_events,
                               .warm_agents = configuration.warm_agents,
                               .on_fork_server_restarted = [&audit] { audit.fork_server_restarted(); },
                               .on_agent_stuck = [&audit](pid_t agent) { audit.agent_stuck(agent); }});
  if (!service) {
    throw std::runtime_error("cannot start with agent " + options.agent.native() + ": " +
                             to_string(service.error()));
  }
  return std::move(*service);
}

void say_changed(Log& log, RecordKind kind, const std::vector<std::string>& settings) {
  for (const std::string& setting : settings) {
    log.write(kind, [&setting](Record& record) { record.add(Field::setting, setting); });
  }
}

}  // namespace

Daemon::Daemon(Options options, Configuration configuration, Log& log, ServiceManager& manager)
    : options_(std::move(options)),
      configuration_(std::move(configuration)),
      log_(log),
      manager_(manager),
      service_(create_service(context_, options_, configuration_, audit_)),
      server_(
          context_.get_executor(),
          {.vendor = "nsenterd",
           .product = "nsenterd",
           .version = kVersion,
           .url = "",
           .overloaded_error = "io.nsenterd.Overloaded"},
          [this](const varlink::Peer& peer) {
            return decide(configuration_.access, peer) == Decision::allowed;
          },
          configuration_.connections),
      events_(
          service_, configuration_.access, configuration_.events, [this] { return server_.connections(); },
          audit_),
      status_(context_.get_executor(), manager_,
              [this]() -> StatusLine::Load {
                return {server_.connections(), service_.events_running(), service_.agents_warm()};
              }),
      watchdog_(context_.get_executor(), manager_) {
  server_.observe(audit_);
  server_.add(events_.describe());
  server_.on_disconnected([this](const varlink::Peer& peer) { events_.disconnected(peer); });
  server_.on_activity([this] { status_.changed(); });
  await_end();
  await_reload();
}

Daemon::~Daemon() {
  // While the interface is still there to be told; also when the loop has ended by an exception.
  server_.stop();
}

void Daemon::serve(std::vector<UniqueFd> listeners, const std::string& name) {
  for (UniqueFd& listener : listeners) server_.serve(std::move(listener));
  write_metrics();
  log_.write(RecordKind::ready, [&name](Record& record) {
    record.add(Field::version, kVersion);
    record.add(Field::socket, name);
  });
  manager_.ready();
  context_.run();
  server_.stop();
  metrics_file_.reset();
  log_.write(RecordKind::ended);
}

void Daemon::await_end() {
  end_signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (!error) end(signal);
  });
}

void Daemon::end(int signal) {
  log_.write(RecordKind::ending, [signal](Record& record) { record.add(Field::signal, signal); });
  manager_.stopping(configuration_.drain_time + kEndTime);
  end_signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (!error) context_.stop();
  });
  drain_timer_.expires_after(configuration_.drain_time);
  drain_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    log_.write(RecordKind::still_under_way);
    context_.stop();
  });
  server_.stop_accepting();
  events_.drain([this] { server_.drain([this] { context_.stop(); }); });
}

void Daemon::await_reload() {
  reload_signal_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    manager_.reloading();
    reload();
    // Whatever came of it.
    manager_.ready();
    await_reload();
  });
}

void Daemon::reload() {
  const auto loaded = configure(options_);
  if (!loaded) {
    for (const std::string& line : loaded.error().lines) {
      log_.write(RecordKind::configuration_wrong,
                 [&line](Record& record) { record.add(Field::error, line); });
    }
    return;
  }
  const auto changes = changes_between(configuration_, *loaded);
  say_changed(log_, RecordKind::setting_at_restart, changes.at_restart);
  say_changed(log_, RecordKind::setting_changed, changes.applicable);
  apply(*loaded);
  log_.write(RecordKind::configuration_read);
}

void Daemon::apply(const Configuration& configuration) {
  // What takes a restart is compared with what the daemon was started with, also the next time.
  Configuration applied = configuration;
  applied.socket = configuration_.socket;
  applied.logging.format = configuration_.logging.format;
  configuration_ = std::move(applied);
  service_.set_limits(configuration_.max_events, configuration_.warm_agents);
  server_.set_limits(configuration_.connections);
  server_.authorize_again();
  log_.configure(configuration_.logging);
  write_metrics();
}

void Daemon::write_metrics() {
  // Not the other way round: the old one removes its file, which may be the new one's.
  metrics_file_.reset();
  if (configuration_.metrics.path.empty()) return;
  metrics_file_.emplace(
      context_.get_executor(), configuration_.metrics,
      [this] { return events_.metrics(MetricsFormat::prometheus); }, log_);
}

}  // namespace nsenterd::daemon
