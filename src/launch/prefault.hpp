// Makes forks of this program cheap (runs in the fork server).
#pragma once

namespace nsenterd::launch {

/// Brings the whole program into the page tables, and sees to it that a fork copies them instead of leaving
/// the child to fault its code in. Only speed depends on it, so failures are ignored.
void prefault_program() noexcept;

}  // namespace nsenterd::launch
