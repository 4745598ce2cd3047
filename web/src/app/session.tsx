// Who is signed in. Without anybody there is the page to sign in, or, by the set-up link, the one that makes the first user.

import { Center, Loader } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo } from "react";
import { api, ask, onSignedOut, Problem, type Schema, setCsrfToken } from "../api/client";
import { SetUpPage } from "../pages/session/SetUpPage";
import { SignInPage } from "../pages/session/SignInPage";
import { ProblemAlert } from "../ui/ProblemAlert";

export type Session = Schema<"SessionInfo">;

type SessionContext = {
  session: Session;
  /** Whether the role allows it. The server decides; this hides what it would refuse. */
  may: (permission: string) => boolean;
  signOut: () => Promise<void>;
};

const Context = createContext<SessionContext | null>(null);

const sessionKey = ["session"];

async function fetchSession(): Promise<Session | null> {
  try {
    const session = await ask(api.GET("/session"));
    setCsrfToken(session.csrfToken ?? "");
    return session;
  } catch (error) {
    if (error instanceof Problem && error.status === 401) {
      return null;
    }
    throw error;
  }
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const {
    data: session,
    error,
    isPending,
    refetch,
  } = useQuery({ queryKey: sessionKey, queryFn: fetchSession });

  useEffect(() => onSignedOut(() => queries.setQueryData(sessionKey, null)), [queries]);

  const signOut = useCallback(async () => {
    await ask(api.DELETE("/session"));
    setCsrfToken("");
    queries.setQueryData(sessionKey, null);
    // All that this user saw. The session's own query stays, as it is watched here.
    queries.removeQueries({ predicate: (query) => query.queryKey[0] !== sessionKey[0] });
  }, [queries]);

  const value = useMemo<SessionContext | null>(() => {
    if (!session) {
      return null;
    }
    const permissions = new Set(session.permissions);
    return { session, may: (permission) => permissions.has(permission), signOut };
  }, [session, signOut]);

  if (isPending) {
    return (
      <Center h="100vh">
        <Loader aria-label="Loading" />
      </Center>
    );
  }
  if (error) {
    return (
      <Center h="100vh" p="md">
        <ProblemAlert error={error} retry={() => refetch()} />
      </Center>
    );
  }
  if (value === null) {
    const signedIn = (session: Session) => {
      setCsrfToken(session.csrfToken ?? "");
      queries.setQueryData(sessionKey, session);
    };
    return window.location.pathname === "/setup" ? (
      <SetUpPage signedIn={signedIn} />
    ) : (
      <SignInPage signedIn={signedIn} />
    );
  }
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

/** Who is signed in. Only below the provider. */
export function useSession(): SessionContext {
  const value = useContext(Context);
  if (value === null) {
    throw new Error("there is no session here");
  }
  return value;
}
