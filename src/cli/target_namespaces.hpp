// Which namespaces are joined if the user names none (nsenterctl).
#pragma once

#include <nsenterd/namespaces.hpp>

namespace nsenterd::cli {

/// All kinds that this kernel has. That is all that the target does not share with the daemon, since the
/// daemon skips its own. They are not compared with the caller's: one that target and caller share and the
/// daemon does not (all three in containers, or the first two in one pod) would then not be joined, and the
/// operation would silently act on the daemon's side.
Namespaces known_namespaces();

}  // namespace nsenterd::cli
