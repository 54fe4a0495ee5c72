// Records as entries of systemd's journal, with their fields (daemon).
#pragma once

#include <memory>

#include <spdlog/sinks/sink.h>

namespace nsenterd::daemon {

/// Whether standard error is connected to the journal, by the word of $JOURNAL_STREAM (systemd.exec(5)), and records can go there
/// as entries.
bool stderr_is_journal();

/// Throws std::runtime_error if there is no journal, or this build cannot write to it.
std::shared_ptr<spdlog::sinks::sink> make_journal_sink();

}  // namespace nsenterd::daemon
