// Records as lines on standard error (daemon, on the thread that writes the log).
#pragma once

#include <spdlog/sinks/base_sink.h>

namespace nsenterd::daemon {

/// Without the C library's streams: their lock would be held by a write that waits, and exit(3) would wait for it.
class StreamSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}
};

}  // namespace nsenterd::daemon
