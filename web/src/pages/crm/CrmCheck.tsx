import { Button, Paper, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { CheckStep } from "../../api/check";
import { checkCrm, crmKey } from "../../api/crm";
import { CheckSteps } from "../../ui/CheckSteps";
import { ProblemAlert } from "../../ui/ProblemAlert";

/** Tries the connection as an administrator would; for roles that may. */
export function CrmCheck() {
  const queries = useQueryClient();
  const [steps, setSteps] = useState<CheckStep[]>([]);
  const check = useMutation({
    mutationFn: () => {
      setSteps([]);
      return checkCrm((step) => setSteps((before) => [...before, step]));
    },
    onSettled: () => queries.invalidateQueries({ queryKey: crmKey }),
  });
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4" mb={4}>
        Test the connection
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        Signs in, and looks whether all can be read and written that is needed. Nothing is written.
      </Text>
      <Stack align="flex-start">
        <Button loading={check.isPending} onClick={() => check.mutate()}>
          {check.isIdle ? "Test it" : "Test it again"}
        </Button>
        {check.error && <ProblemAlert error={check.error} />}
        {(check.isPending || check.isSuccess) && <CheckSteps steps={steps} isRunning={check.isPending} />}
      </Stack>
    </Paper>
  );
}
