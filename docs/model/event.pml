/*
 * The life of an event (src/service/event_state.cpp), with everything around it that may go wrong, for the model checker
 * spin(1). docs/events.md explains it; docs/model/check verifies it, and that each mistake listed below is found.
 *
 * How it is built
 *   - A step is one atomic { }. Each handler of the service's event loop is one step: there is one thread.
 *   - Time is left out. A timer that is set may fire at any moment from then on, early or late.
 *   - What may go wrong, may, at any moment; a run has a number of misfortunes, from none up to MISFORTUNES.
 *   - No run goes on for ever (the checker proves it), so every run comes to a point where nothing can happen any more.
 *     There, monitor() looks at what is left. That is how "every event ends" and "nothing leaks" are checked, and a
 *     deadlock is a run that comes to that point too early.
 *
 * What is chosen (-DNAME=NUMBER)
 *   EVENTS         1 or 2: the second is the one that a FUSE companion sends, perhaps for the sake of the first
 *   LATER_FORKS    0 to 2: forks that follow the fork server's until the agent is there
 *   SLOTS          events that may be under way
 *   SERVERS        fork servers that can be started, one after the other
 *   MISFORTUNES    things that go wrong: somebody in the container kills or stops a process of an event; a fork server dies
 *                  or stops, or is slow; a fork, a join or a request fails; a descriptor finds no place; a client goes away
 *   TERMINATES     TerminateRequests for each event
 *   ASYNC          1: events may be asynchronous; and clients ask for the response apart from sending
 *   DEADLINES      0: none fires, where nothing goes wrong, for none may be needed there
 *
 * Mistakes (-DNAME)
 *   REQUEST_BEFORE_PIDFD   the request waits in the socket before the service holds the agent's pidfd
 *   QUEUE_WHEN_BUSY        an event too many waits until another has ended, instead of being refused
 *   NO_DEADLINE            nothing ends an event that nobody answers
 *   NO_PATIENCE            an event that has ended waits for a chain that is forking for as long as that takes
 *   NO_WATCHDOG            a fork server that does not answer is waited for
 *   NO_PROCEED             the first process of a chain goes on before the service holds its pidfd
 *   NO_ORPHAN_REAPING      what a fork server forked, but did not report before it died, is left alone
 *   STOPPED_ORPHANS_STAY   of that, only the dead are taken care of
 *   FORGET_WITHOUT_PIDFD   a process that is reported, but whose pidfd finds no place, is left alone
 *   NO_STRAY_REAPING       what a process of a chain forked, but did not report before it died, is left alone
 *   GONE_BEFORE_STRAYS     an event is gone before that has been reaped
 *   ADOPT_AND_FORGET       a first process that turns up when its event has ended is left alone
 *   KILL_ONLY_THE_LAST     of the processes of an event, only the last one that is known is killed
 *   CHILD_SPEAKS_FIRST     a successor does not wait until it has been reported
 *   COMPLETE_TWICE         a handler that has been called is kept
 */

#ifndef EVENTS
#define EVENTS 1
#endif
#ifndef LATER_FORKS
#define LATER_FORKS 1
#endif
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef SERVERS
#define SERVERS 2
#endif
#ifndef MISFORTUNES
#define MISFORTUNES 2
#endif
#ifndef TERMINATES
#define TERMINATES 1
#endif
#ifndef ASYNC
#define ASYNC 1
#endif
#ifndef DEADLINES
#define DEADLINES 1
#endif
#ifdef NO_DEADLINE
#undef DEADLINES
#define DEADLINES 0
#endif

/* The processes of an event, in the order of their forks. */
#define CHAIN (LATER_FORKS + 1)
#define PROCESSES (EVENTS * CHAIN)
#define FIRST(e) ((e) * CHAIN)
#define LAST(e) (FIRST(e) + LATER_FORKS)
#define EVENT_OF(p) ((p) / CHAIN)
#define NOBODY 255

/* How much may still go wrong. */
byte misfortunes;

/* ---- What the kernel keeps: processes and sockets ---- */

mtype:life = { unborn, alive, zombie, reaped };
mtype:life process[PROCESSES] = unborn;
bool stopped[PROCESSES];    /* by SIGSTOP: only SIGKILL helps */
bool doomed[PROCESSES];     /* SIGKILL is on its way, however long the kernel takes (uninterruptible sleep) */
bool own_group[PROCESSES];  /* is in the process group of its event, not any more in the fork server's */
byte generation[PROCESSES]; /* the fork server that it comes from, directly or not */

/* How far it has come. */
mtype:place = { forked_off, joining, telling, waiting, working, blocked, done };
mtype:place at[PROCESSES] = forked_off;

mtype:life server[SERVERS] = unborn;
bool server_stopped[SERVERS];
bool server_doomed[SERVERS];
byte serves[SERVERS] = NOBODY; /* the event whose request it has received, and not answered */
bool has_forked[SERVERS];      /* for it */

/* The socketpair of an event. The agent's end is open as long as one of its processes is alive. */
mtype:frame = { proceed, request, join_failed, forked, started, response };
bool channel_open[EVENTS];
chan to_agent[EVENTS] = [1] of { mtype:frame };
chan to_service[EVENTS] = [CHAIN + 2] of { mtype:frame, byte /* whose pidfd comes with it */ };

/* The control socket of a fork server. */
bool control_open[SERVERS];
chan spawn_request[SERVERS] = [EVENTS] of { byte /* event */ };
chan spawn_reply[SERVERS] = [EVENTS] of { byte /* event */, bool /* it is forked */ };

#define runs(p) (process[p] == alive && !stopped[p])
#define server_runs(s) (server[s] == alive && !server_stopped[s])
#define exists(p) (process[p] == alive || process[p] == zombie)

inline die(p) {
  process[p] = zombie;
  stopped[p] = false;
  doomed[p] = false;
  at[p] = forked_off
}

inline reap(p) {
  process[p] = reaped;
  held[p] = false;
  by_number[p] = false;
  own_group[p] = false;
  generation[p] = 0
}

inline server_dies(s) {
  server[s] = zombie;
  server_stopped[s] = false;
  server_doomed[s] = false;
  serves[s] = NOBODY;
  has_forked[s] = false
}

inline kill(p) {
  doomed[p] = (process[p] == alive)
}

/* What is on its way to the agent can still be read there. */
inline close_channel(e) {
  channel_open[e] = false;
  do
  :: to_service[e]?_, _
  :: empty(to_service[e]) -> break
  od
}

/* ---- The service: what it knows of an event (event_state.hpp) ---- */

mtype:phase = { created, starting, running, ended, gone };
mtype:phase phase[EVENTS] = created;
bool has_outcome[EVENTS];
bool async[EVENTS];
byte later_forks[EVENTS];    /* that the plan needs */
byte forks_to_come[EVENTS];  /* of those */
byte forks_done[EVENTS];     /* processes that the service has been told of */
byte fork_number[PROCESSES]; /* among those, from 1 */
bool held[PROCESSES];        /* the service has a pidfd, and waits for it */
bool by_number[PROCESSES];   /* no pidfd, only the number: it is killed, and reaped when that is done */
byte children[EVENTS];
bool spawning[EVENTS];       /* the fork server has not answered yet */
bool spawn_failed[EVENTS];   /* and could not even be asked */
bool reading[EVENTS];        /* frames are read: the first process is known */
bool straying[EVENTS];       /* what was forked without a word is being reaped */
bool deadline[EVENTS];
bool patience[EVENTS];       /* the timer of one second after the end */
bool lost[EVENTS];           /* its first process may exist all the same: that is the spawner's to reap */
bool stuck[EVENTS];          /* patience is over, and it is not gone: it counts as under way again */
byte slots_taken;
bool queued[EVENTS];

/* Handlers that wait to be called, and whether that of send has been: the client has its reply. */
bool waits_sent[EVENTS];
byte waits_received[EVENTS], waits_terminated[EVENTS];
bool answered[EVENTS];
bool succeeded[EVENTS];     /* with the agent's response */

/* ---- The service: the fork servers (spawner.hpp) ---- */

byte serving = NOBODY; /* the fork server that is asked */
byte started_servers;
bool looking[SERVERS]; /* it has been given up; what it did not report is reaped */
chan pending = [EVENTS] of { byte };

/* ---- The service: an event's steps, each part of a handler ---- */

inline complete_sent(e) {
  if
  :: waits_sent[e] ->
#ifndef COMPLETE_TWICE
     waits_sent[e] = false;
#endif
     assert(!answered[e]);
     answered[e] = true
  :: else
  fi
}

#ifdef KILL_ONLY_THE_LAST
#define is_killed(p) (held[p] && fork_number[p] == forks_done[EVENT_OF(p)])
#else
#define is_killed(p) (held[p])
#endif

inline let_go(e) {
  close_channel(e);
  for (member : FIRST(e) .. LAST(e)) {
    if
    :: is_killed(member) -> kill(member)
    :: else
    fi
  }
  member = 0
}

/* No process of it is left. */
#if LATER_FORKS == 0
#define nothing_left(e) (!exists(FIRST(e)))
#elif LATER_FORKS == 1
#define nothing_left(e) (!exists(FIRST(e)) && !exists(FIRST(e) + 1))
#else
#define nothing_left(e) (!exists(FIRST(e)) && !exists(FIRST(e) + 1) && !exists(FIRST(e) + 2))
#endif

inline check_gone(e) {
  if
  :: phase[e] == ended && !spawning[e] && children[e] == 0 && !straying[e] ->
     phase[e] = gone;
     patience[e] = false;
     assert(lost[e] || nothing_left(e));
     waits_terminated[e] = 0;
     slots_taken = slots_taken - stuck[e];
     /* Of no interest any more, so that states do not differ in it. */
     stuck[e] = false;
     reading[e] = false;
     forks_done[e] = 0;
     forks_to_come[e] = 0
  :: else
  fi
}

inline end(e) {
  if
  :: has_outcome[e] || phase[e] == created
  :: else ->
     has_outcome[e] = true;
     phase[e] = ended;
     deadline[e] = false;
#ifndef NO_PATIENCE
     patience[e] = true;
#endif
     /* One that is forking its successor is let finish: killed in the middle of it, it might not report it. */
     if
     :: forks_to_come[e] == 0 -> let_go(e)
     :: else
     fi;
     complete_sent(e);
     waits_received[e] = 0;
     slots_taken--;
     check_gone(e)
  fi
}

inline give(e, what) {
  assert(empty(to_agent[e]));
  to_agent[e]!what
}

inline give_request(e) {
  if
  /* The credentials cannot be sent: it has died, or for want of memory. */
  :: misfortunes > 0 -> misfortunes--; end(e)
  :: give(e, request)
  fi
}

inline adopt(e, p) {
  assert(!held[p]);
  forks_done[e]++;
  /* Only the first can turn up when the event has been let go of: of the others, frames tell. */
  assert(forks_done[e] == 1 || channel_open[e]);
  fork_number[p] = forks_done[e];
  children[e]++;
  held[p] = true;
  if
#ifndef REQUEST_BEFORE_PIDFD
  :: phase[e] == starting && forks_to_come[e] == 0 -> give_request(e)
#endif
#ifndef NO_PROCEED
  :: phase[e] == starting && forks_to_come[e] > 0 && forks_done[e] == 1 -> give(e, proceed)
#endif
  :: else
  fi;
  if
#ifndef ADOPT_AND_FORGET
  /* Too late, and it has not begun. */
  :: phase[e] == ended && forks_to_come[e] > 0 && forks_done[e] == 1 -> let_go(e)
#endif
  :: phase[e] == ended && forks_to_come[e] == 0 -> let_go(e)
  :: phase[e] == starting && forks_to_come[e] == 0 -> phase[e] = running
  :: else
  fi
}

inline on_spawned(e) {
  assert(phase[e] != gone && spawning[e]);
  spawning[e] = false;
  adopt(e, FIRST(e));
  reading[e] = channel_open[e];
  check_gone(e)
}

inline on_not_spawned(e) {
  assert(phase[e] != gone && spawning[e]);
  spawning[e] = false;
  end(e);
  let_go(e);
  check_gone(e)
}

inline on_frame(e) {
  assert(phase[e] != gone);
  if
  :: to_service[e]?forked, successor ->
     if
     /* The pidfd has found no place: it will be a stray. */
     :: misfortunes > 0 -> misfortunes--; end(e)
     :: forks_to_come[e]--; adopt(e, successor)
     fi;
     successor = 0
  :: to_service[e]?started, _ -> if :: !has_outcome[e] -> complete_sent(e) :: else fi
  :: to_service[e]?response, _ -> succeeded[e] = !has_outcome[e]; end(e)
  :: to_service[e]?join_failed, _ -> end(e)
  fi
}

inline on_child_ended(p) {
  assert(phase[EVENT_OF(p)] != gone);
  /* What it said before it ended may not have been read yet. */
  do
  :: channel_open[EVENT_OF(p)] && nempty(to_service[EVENT_OF(p)]) -> on_frame(EVENT_OF(p))
  :: !channel_open[EVENT_OF(p)] || empty(to_service[EVENT_OF(p)]) -> break
  od;
#ifdef GONE_BEFORE_STRAYS
  children[EVENT_OF(p)]--;
#endif
  if
  :: fork_number[p] == forks_done[EVENT_OF(p)] ->
     end(EVENT_OF(p));
     let_go(EVENT_OF(p));
#ifndef NO_STRAY_REAPING
     straying[EVENT_OF(p)] = (forks_to_come[EVENT_OF(p)] > 0)
#endif
  :: else
  fi;
  fork_number[p] = 0;
#ifndef GONE_BEFORE_STRAYS
  children[EVENT_OF(p)]--;
#endif
  check_gone(EVENT_OF(p))
}

/* ---- The service: what a client asks for ---- */

inline launch_server() {
  if
  :: serving == NOBODY && started_servers < SERVERS ->
     serving = started_servers;
     started_servers++;
     server[serving] = alive;
     control_open[serving] = true
  :: else
  fi
}

inline ask_for_agent(e) {
  launch_server();
  if
  :: serving == NOBODY -> spawn_failed[e] = true
  :: serving != NOBODY && server[serving] != alive -> spawn_failed[e] = true
  /* It does not keep up, and its socket is full. */
  :: serving != NOBODY && misfortunes > 0 -> misfortunes--; spawn_failed[e] = true
  :: serving != NOBODY && server[serving] == alive -> spawn_request[serving]!e; pending!e
  fi
}

inline start(e) {
  phase[e] = starting;
  slots_taken++;
  if
  /* No socketpair. */
  :: misfortunes > 0 -> misfortunes--; end(e)
  :: true ->
     channel_open[e] = true;
     deadline[e] = true;
     spawning[e] = true;
     forks_to_come[e] = later_forks[e];
#ifdef REQUEST_BEFORE_PIDFD
     give(e, request);
#endif
     ask_for_agent(e)
  fi
}

inline send(e) {
  waits_sent[e] = true;
  if
  :: slots_taken < SLOTS -> start(e)
  :: else ->
#ifdef QUEUE_WHEN_BUSY
     queued[e] = true
#else
     complete_sent(e)
#endif
  fi
}

inline receive(e) {
  if
  :: has_outcome[e] || phase[e] == created /* it is called at once */
  :: else -> waits_received[e]++
  fi
}

inline terminate(e) {
  end(e);
  if
  :: phase[e] != ended || stuck[e] /* it is called at once */
  :: else -> waits_terminated[e]++
  fi
}

/* ---- The service: what has nobody else to reap it ---- */

/* Forked by a process of a chain, and not known: its forker could not tell of it, or its pidfd has found no place. Found by the
 * event's process group, once the last process that is known has been reaped. */
#define is_stray(p) (straying[EVENT_OF(p)] && exists(p) && own_group[p] && !held[p])
#if LATER_FORKS == 0
#define any_stray(e) (is_stray(FIRST(e)))
#elif LATER_FORKS == 1
#define any_stray(e) (is_stray(FIRST(e)) || is_stray(FIRST(e) + 1))
#else
#define any_stray(e) (is_stray(FIRST(e)) || is_stray(FIRST(e) + 1) || is_stray(FIRST(e) + 2))
#endif

/* Forked by a fork server that could not tell of it. Found by the fork server's process group, which it does not leave
 * before the service has its pidfd. */
#define is_in_group_of(s, p) (exists(p) && generation[p] == s && !own_group[p])
#define is_orphan(p) (is_in_group_of(generation[p], p) && !held[p] && looking[generation[p]])

/* waitid(2) may go on showing another child of that group, one that is watched. Who watches it takes care of it. */
#define is_shown(p) (process[p] == zombie || stopped[p])
#if EVENTS == 1
#define hides(s, o) false
#else
#define hides(s, o) (is_in_group_of(s, o) && held[o] && is_shown(o))
#endif
#define is_found(p) (is_orphan(p) && is_shown(p) && \
                     server[generation[p]] != zombie && !server_stopped[generation[p]] && \
                     !hides(generation[p], FIRST(EVENTS - 1 - EVENT_OF(p))))

/* ---- The event loop ---- */

proctype event(byte e) {
  byte successor, member;
  do
  :: atomic { reading[e] && channel_open[e] && nempty(to_service[e]) -> on_frame(e) }
  :: atomic { spawn_failed[e] -> spawn_failed[e] = false; on_not_spawned(e) }
#if DEADLINES
  :: atomic { deadline[e] -> end(e) }
#endif
  :: atomic {
       patience[e] ->
       assert(phase[e] == ended);
       patience[e] = false;
       let_go(e);
       waits_terminated[e] = 0;
       slots_taken++;
       stuck[e] = true
     }
  :: atomic { straying[e] && !any_stray(e) -> straying[e] = false; check_gone(e) }
#ifdef QUEUE_WHEN_BUSY
  :: atomic { queued[e] && slots_taken < SLOTS -> queued[e] = false; start(e) }
#endif
  od
}

/* The fork server is of no use any more. What it has answered, but nobody has read, is lost. */
inline give_up() {
  control_open[serving] = false;
  looking[serving] = true;
  do
  :: spawn_reply[serving]?_, _
  :: empty(spawn_reply[serving]) -> break
  od;
  server_doomed[serving] = (server[serving] == alive);
  serving = NOBODY;
  do
  :: pending?e -> lost[e] = true; on_not_spawned(e)
  :: empty(pending) -> break
  od
}

proctype spawner() {
  byte e, member;
  bool is_forked;
  do
  :: atomic {
       serving != NOBODY && nempty(spawn_reply[serving]) ->
       spawn_reply[serving]?e, is_forked;
       assert(pending?[eval(e)]);
       pending?eval(e);
       if
       :: is_forked -> on_spawned(e)
       /* Its pidfd has found no place. */
       :: is_forked && misfortunes > 0 ->
          misfortunes--;
#ifndef FORGET_WITHOUT_PIDFD
          by_number[FIRST(e)] = true;
#endif
          lost[e] = true;
          on_not_spawned(e)
       :: !is_forked -> on_not_spawned(e)
       fi;
       e = 0;
       is_forked = false
     }
  /* End-of-file, when all replies have been read. */
  :: atomic { serving != NOBODY && empty(spawn_reply[serving]) && server[serving] != alive -> give_up(); e = 0 }
#if MISFORTUNES && !defined(NO_WATCHDOG)
  :: atomic {
       serving != NOBODY && nempty(pending) && (server_stopped[serving] || misfortunes > 0) ->
       misfortunes = misfortunes - (1 - server_stopped[serving]); /* It was only slow. */
       give_up();
       e = 0
     }
#endif
  od
}

/* What befalls a process of an event, and how the service waits for it. */
proctype fate(byte p) {
  byte successor, member;
  do
  :: atomic { doomed[p] -> die(p) }
  :: atomic { process[p] == alive && misfortunes > 0 -> misfortunes--; die(p) }
  :: atomic { runs(p) && misfortunes > 0 -> misfortunes--; stopped[p] = true }
  :: atomic { held[p] && process[p] == zombie -> reap(p); on_child_ended(p) }
  :: atomic { is_stray(p) && process[p] == alive && !doomed[p] -> doomed[p] = true }
  :: atomic { is_stray(p) && process[p] == zombie -> reap(p) }
  :: atomic { by_number[p] && process[p] == alive && !doomed[p] -> doomed[p] = true }
  :: atomic { by_number[p] && process[p] == zombie -> reap(p) }
#ifndef NO_ORPHAN_REAPING
  :: atomic { is_found(p) && process[p] == zombie -> reap(p) }
#ifndef STOPPED_ORPHANS_STAY
  :: atomic { is_found(p) && process[p] == alive && !doomed[p] -> doomed[p] = true }
#endif
#endif
  od
}

/* The same of a fork server. */
proctype fate_of_server(byte s) {
  do
  :: atomic { server_doomed[s] -> server_dies(s) }
  :: atomic { server[s] == alive && misfortunes > 0 -> misfortunes--; server_dies(s) }
  :: atomic { server_runs(s) && misfortunes > 0 -> misfortunes--; server_stopped[s] = true }
  :: atomic {
       server[s] == zombie ->
       server[s] = reaped;
       /* The sockets in there are closed. */
       do
       :: spawn_request[s]?_
       :: empty(spawn_request[s]) -> break
       od
     }
  /* The group is empty: the fork server, too, is one of it. */
  :: atomic {
       looking[s] && server[s] == reaped && !is_in_group_of(s, FIRST(0)) && !is_in_group_of(s, FIRST(EVENTS - 1)) ->
       looking[s] = false
     }
  od
}

/* ---- The fork server (fork_server.cpp), which may die between any two of its steps ---- */

proctype fork_server(byte s) {
  do
  :: atomic {
       server_runs(s) && serves[s] == NOBODY && nempty(spawn_request[s]) ->
       spawn_request[s]?serves[s]
     }
  :: atomic {
       server_runs(s) && serves[s] != NOBODY && !has_forked[s] ->
       process[FIRST(serves[s])] = alive;
       generation[FIRST(serves[s])] = s;
       has_forked[s] = true
     }
  :: atomic {
       server_runs(s) && serves[s] != NOBODY && (has_forked[s] || misfortunes > 0) ->
       misfortunes = misfortunes - (1 - has_forked[s]);
       if
       :: control_open[s] -> spawn_reply[s]!serves[s], has_forked[s]; serves[s] = NOBODY; has_forked[s] = false
       :: else -> server_dies(s)
       fi
     }
  :: atomic {
       server_runs(s) && serves[s] == NOBODY && !control_open[s] && empty(spawn_request[s]) ->
       server_dies(s)
     }
  od
}

/* ---- The agent, and those that fork it (fork_server.cpp, agent.cpp) ---- */

/* A FUSE request that an agent waits for, and that only the companion answers. */
mtype:fuse = { idle, requested, replied };
mtype:fuse fuse = idle;

/* The service may have closed its end: nobody hears it then. */
inline say(what, whom) {
  if
  :: channel_open[EVENT_OF(p)] -> to_service[EVENT_OF(p)]!what, whom
  :: else
  fi
}

#define is_first(p) (p == FIRST(EVENT_OF(p)))
#define forks_again(p) (p - FIRST(EVENT_OF(p)) < later_forks[EVENT_OF(p)])
#ifdef NO_PROCEED
#define waits_to_proceed(p) false
#else
#define waits_to_proceed(p) (is_first(p) && forks_again(p))
#endif

/* What somebody in the container does to it is in fate(). */
proctype agent_process(byte p) {
  do
  :: atomic {
       runs(p) && at[p] == forked_off && is_first(p) && !waits_to_proceed(p) ->
       own_group[p] = forks_again(p);
       at[p] = joining
     }
  :: atomic {
       runs(p) && at[p] == forked_off && waits_to_proceed(p) && to_agent[EVENT_OF(p)]?[proceed] ->
       to_agent[EVENT_OF(p)]?proceed;
       assert(held[p]);
       own_group[p] = true;
       at[p] = joining
     }
  :: atomic {
       runs(p) && at[p] == forked_off && waits_to_proceed(p) &&
       empty(to_agent[EVENT_OF(p)]) && !channel_open[EVENT_OF(p)] ->
       die(p)
     }
  /* Waits until its predecessor has told of it, which then ends. */
  :: atomic {
#ifdef CHILD_SPEAKS_FIRST
       runs(p) && at[p] == forked_off && !is_first(p) ->
#else
       runs(p) && at[p] == forked_off && !is_first(p) && process[p - 1] != alive ->
#endif
       at[p] = joining
     }
  :: atomic {
       runs(p) && at[p] == joining && !forks_again(p) ->
       at[p] = waiting
     }
  :: atomic { runs(p) && at[p] == joining && misfortunes > 0 -> misfortunes--; say(join_failed, NOBODY); die(p) }
#if LATER_FORKS
  :: atomic {
       runs(p) && at[p] == joining && forks_again(p) ->
       process[p + 1] = alive;
       own_group[p + 1] = own_group[p];
       generation[p + 1] = generation[p];
       at[p] = telling
     }
  :: atomic { runs(p) && at[p] == telling -> say(forked, p + 1); at[p] = done }
#endif
  :: atomic {
       runs(p) && at[p] == waiting && to_agent[EVENT_OF(p)]?[request] ->
       to_agent[EVENT_OF(p)]?request;
       assert(held[p]);
       if
       :: async[EVENT_OF(p)] -> say(started, NOBODY)
       :: else
       fi;
       at[p] = working
     }
  :: atomic { runs(p) && at[p] == waiting && empty(to_agent[EVENT_OF(p)]) && !channel_open[EVENT_OF(p)] -> die(p) }
#if EVENTS > 1
  :: atomic { runs(p) && at[p] == working && EVENT_OF(p) == 0 && fuse == idle -> fuse = requested; at[p] = blocked }
  :: atomic { runs(p) && at[p] == blocked && fuse == replied -> at[p] = working }
#endif
  :: atomic { runs(p) && at[p] == working -> say(response, NOBODY); at[p] = done }
  :: atomic { runs(p) && at[p] == done -> die(p) }
  od
}

/* ---- Clients ---- */

/* Calls in any order, at any time. The second is the companion, which answers the FUSE request only when its own event has
 * been answered, or when it goes away and takes the file system with it. */
proctype client(byte e) {
  byte terminates, member;
  bool sent, received, went_away;
  select(terminates : 0 .. TERMINATES);
#if EVENTS > 1
  if
  :: e == 1 && fuse == requested
  :: true
  fi;
#endif
  do
  :: atomic { !sent -> sent = true; send(e) }
  :: atomic { ASYNC && !received -> received = true; receive(e) }
  :: atomic { terminates > 0 -> terminates--; terminate(e) }
  :: atomic {
       sent && !went_away && misfortunes > 0 ->
       misfortunes--;
       went_away = true;
       terminate(e);
       if
       :: e == 1 && fuse == requested -> fuse = replied
       :: else
       fi
     }
  :: atomic { e == 1 && answered[e] && fuse == requested -> fuse = replied }
  od
}

/* ---- What has to hold when nothing can happen any more ---- */

proctype monitor() {
  byte i;
  timeout ->
  d_step {
    for (i : 0 .. EVENTS - 1) {
      /* It has ended, or was never taken up, and whoever asked has been told. */
      assert(phase[i] == gone || phase[i] == created);
      assert(answered[i] && waits_received[i] == 0 && waits_terminated[i] == 0);
      assert(!queued[i] && !spawning[i] && children[i] == 0 && !straying[i] && !deadline[i] && !patience[i]);
#if !MISFORTUNES && !TERMINATES && !DEADLINES
      assert(phase[i] == created || succeeded[i]);
#endif
      assert(!channel_open[i] && empty(to_service[i]))
    }
    for (i : 0 .. PROCESSES - 1) {
      assert(!exists(i) && !held[i] && !by_number[i] && !doomed[i])
    }
    for (i : 0 .. SERVERS - 1) {
      assert(server[i] == unborn || server[i] == reaped || i == serving);
      assert(control_open[i] == (i == serving) && !looking[i]);
      assert(empty(spawn_reply[i]) && empty(spawn_request[i]))
    }
    assert(slots_taken == 0 && empty(pending))
  }
}

init {
  byte i, forks;
  atomic {
    select(misfortunes : 0 .. MISFORTUNES);
    for (i : 0 .. EVENTS - 1) {
      select(forks : 0 .. LATER_FORKS);
      later_forks[i] = forks;
      if
      :: ASYNC -> async[i] = true
      :: async[i] = false
      fi;
      run event(i);
      run client(i)
    }
    launch_server();
    for (i : 0 .. SERVERS - 1) {
      run fork_server(i);
      run fate_of_server(i)
    }
    for (i : 0 .. PROCESSES - 1) {
      run agent_process(i);
      run fate(i)
    }
    run spawner();
    run monitor()
  }
}
